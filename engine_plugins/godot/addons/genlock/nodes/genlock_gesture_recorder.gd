class_name GenlockGestureRecorder
extends RefCounted
## Records an example of a gesture from the frames of a [GenlockSession], for [method GenlockClient.teach_gesture].
##
## Make one, call [method start] when the user begins and [method stop] at the end; do that one to five times.

var _session: GenlockSession
var _part := GenlockFrame.Part.HEAD
var _example := PackedFloat32Array()
var _began_us := -1


## [param device] is head, left or right.
func _init(session: GenlockSession, device: String) -> void:
	const PARTS := {
		"head": GenlockFrame.Part.HEAD,
		"left": GenlockFrame.Part.LEFT_AIM,
		"right": GenlockFrame.Part.RIGHT_AIM,
	}
	assert(device in PARTS, "head, left or right")
	_session = session
	_part = PARTS[device]


## The user begins.
func start() -> void:
	_example.clear()
	_began_us = -1
	_session.frame_sent.connect(_on_frame_sent)


## The user is done; the example: moments of 8 numbers, seconds and a pose.
func stop() -> PackedFloat32Array:
	_session.frame_sent.disconnect(_on_frame_sent)
	return _example


func _on_frame_sent(frame: GenlockFrame) -> void:
	if not frame.parts & _part or not GenlockFrame.is_sound(frame.pose_of(_part)):
		return
	if _began_us < 0:
		_began_us = frame.time_us
	var pose := frame.pose_of(_part)
	var turn := pose.basis.get_rotation_quaternion()
	_example.append((frame.time_us - _began_us) / 1e6)
	for number: float in [pose.origin.x, pose.origin.y, pose.origin.z, turn.x, turn.y, turn.z, turn.w]:
		_example.append(number)
