class_name GenlockForecastPoses
extends RefCounted
## Where head and hands will be, as forecast from one frame. Poses are in the stage, which is the space of the
## [XROrigin3D] in metres.

## What is forecast; the bits of the wire.
enum Device { HEAD = 1, LEFT = 2, RIGHT = 4 }

## The time of the frame, microseconds of [method GenlockClient.now_us].
var time_us := 0
## The devices that were tracked in it, bits of [enum Device].
var devices := 0
## How far ahead, milliseconds after [member time_us].
var horizons_ms := PackedFloat32Array()

var _numbers := PackedFloat32Array()


func _init(
	its_time_us: int, its_devices: int, its_horizons_ms: PackedFloat32Array, numbers: PackedFloat32Array
) -> void:
	time_us = its_time_us
	devices = its_devices
	horizons_ms = its_horizons_ms
	_numbers = numbers


## Whether a device is in it.
func has(device: Device) -> bool:
	return (devices & device) != 0


## The index of the horizon that is nearest to a time, milliseconds.
func nearest_horizon(milliseconds: float) -> int:
	var nearest := 0
	for index in horizons_ms.size():
		if absf(horizons_ms[index] - milliseconds) < absf(horizons_ms[nearest] - milliseconds):
			nearest = index
	return nearest


## The pose of a device at a horizon, which is an index of [member horizons_ms].
func pose(device: Device, horizon: int) -> Transform3D:
	assert(has(device) and horizon < horizons_ms.size(), "the device is in it, and the horizon was asked for")
	var place := 0
	var bit := 1
	while bit < device:
		place += 1 if devices & bit else 0
		bit <<= 1
	var at := 7 * (place * horizons_ms.size() + horizon)
	var orientation := Quaternion(_numbers[at + 3], _numbers[at + 4], _numbers[at + 5], _numbers[at + 6])
	return Transform3D(Basis(orientation.normalized()), Vector3(_numbers[at], _numbers[at + 1], _numbers[at + 2]))
