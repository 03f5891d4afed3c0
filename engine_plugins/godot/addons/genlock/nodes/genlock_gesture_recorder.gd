class_name GenlockGestureRecorder
extends RefCounted
## Records an example of a gesture from the frames of a [GenlockSession], for [method GenlockClient.teach_gesture].
##
## Make one, call [method start] when the user begins and [method stop] at the end; do that one to five times.

var _session: GenlockSession
var _part := GenlockFrame.Part.HEAD
var _example := PackedFloat32Array()
var _began_us := -1


## [param device] is head, left or right, or left_hand or right_hand for a gesture of tracked joints.
func _init(session: GenlockSession, device: String) -> void:
	const PARTS := {
		"head": GenlockFrame.Part.HEAD,
		"left": GenlockFrame.Part.LEFT_AIM,
		"right": GenlockFrame.Part.RIGHT_AIM,
		"left_hand": GenlockFrame.Part.LEFT_HAND,
		"right_hand": GenlockFrame.Part.RIGHT_HAND,
	}
	assert(device in PARTS, "head, left, right, left_hand or right_hand")
	_session = session
	_part = PARTS[device]


## The user begins.
func start() -> void:
	_example.clear()
	_began_us = -1
	_session.frame_sent.connect(_on_frame_sent)


## The user is done; the example: moments of seconds and a pose, or the poses of 26 joints.
func stop() -> PackedFloat32Array:
	# A scene that ends takes its session with it.
	if is_instance_valid(_session):
		_session.frame_sent.disconnect(_on_frame_sent)
	return _example


func _on_frame_sent(frame: GenlockFrame) -> void:
	var numbers := frame.numbers_of(_part)
	if not numbers:
		return
	if _began_us < 0:
		_began_us = frame.time_us
	_example.append((frame.time_us - _began_us) / 1e6)
	_example.append_array(numbers)
