class_name GenlockFrame
extends RefCounted
## One sample of tracking: what was tracked at one time, and where it was.
##
## Poses are in the stage, which is the space of the [XROrigin3D] in metres, without its world scale. Filling a frame
## is cheap; [method blob], which turns it into the numbers of the wire, is called on the connection's thread.

## What can be tracked; the bits of the wire.
enum Part {
	HEAD = 1,
	GAZE = 2,
	LEFT_AIM = 4,
	RIGHT_AIM = 8,
	LEFT_GRIP = 16,
	RIGHT_GRIP = 32,
	LEFT_BUTTONS = 64,
	RIGHT_BUTTONS = 128,
	LEFT_HAND = 256,
	RIGHT_HAND = 512,
}

## How many joints a hand has, in the order of [enum XRHandTracker.HandJoint].
const JOINTS := 26
## How many numbers tell of the buttons of a hand: trigger, squeeze, thumbstick x and y, thumbstick click, primary,
## secondary, menu.
const BUTTONS := 8
## Poses further from the origin are left out, metres on each axis.
const FAR := 10_000.0

## Takes a hand joint's orientation as Godot gives it, turned to fit a humanoid skeleton, back to OpenXR's: -z along the
## bone, +y out of the back of the hand.
const JOINT_TURN := Quaternion(0.0, 0.7071067811865476, -0.7071067811865476, 0.0)

# Where a part's poses or numbers lie, of those of its kind.
const _PLACES := {
	Part.HEAD: 0,
	Part.GAZE: 1,
	Part.LEFT_AIM: 2,
	Part.RIGHT_AIM: 3,
	Part.LEFT_GRIP: 4,
	Part.RIGHT_GRIP: 5,
	Part.LEFT_BUTTONS: 0,
	Part.RIGHT_BUTTONS: BUTTONS,
	Part.LEFT_HAND: 0,
	Part.RIGHT_HAND: JOINTS,
}

## Microseconds of the clock that all times of a session are of.
var time_us := 0
## The parts in it, bits of [enum Part].
var parts := 0

var _poses: Array[Transform3D] = []
var _buttons := PackedFloat32Array()
var _joints: Array[Transform3D] = []
var _recorded := PackedByteArray()


func _init(its_time_us: int) -> void:
	time_us = its_time_us


## A frame whose numbers are there already, as in a recording.
static func recorded(its_time_us: int, its_parts: int, numbers: PackedByteArray) -> GenlockFrame:
	var frame := GenlockFrame.new(its_time_us)
	frame.parts = its_parts
	frame._recorded = numbers
	return frame


## Makes it a frame of nothing at another time, to be filled again; only for one that nobody else holds.
func clear(its_time_us: int) -> void:
	time_us = its_time_us
	parts = 0


## Adds the pose of head, gaze, aim or grip. One that is not finite or too far away is left out by [method blob], which
## has the time to look.
func add_pose(part: Part, pose: Transform3D) -> void:
	if _poses.is_empty():
		_poses.resize(6)
	parts |= part
	_poses[_PLACES[part]] = pose


## Adds those of six poses, in the order of their bits, that are tracked now; null for one that there is not.
func add_tracked_poses(poses: Array[XRPose], with_gaze := true) -> void:
	if _poses.is_empty():
		_poses.resize(6)
	var place := 0
	for pose in poses:
		if pose != null and pose.get_has_tracking_data() and (with_gaze or place != 1):
			_poses[place] = pose.get_transform()
			parts |= 1 << place
		place += 1


## The pose of head, gaze, aim or grip, which must be among the [member parts].
func pose_of(part: Part) -> Transform3D:
	return _poses[_PLACES[part]]


## Adds the [constant BUTTONS] numbers of a hand's buttons.
func add_buttons(part: Part, numbers: PackedFloat32Array) -> void:
	assert(numbers.size() == BUTTONS, "eight numbers")
	if _buttons.is_empty():
		_buttons.resize(2 * BUTTONS)
	parts |= part
	var first: int = _PLACES[part]
	for index in BUTTONS:
		_buttons[first + index] = numbers[index]


## Adds the numbers of a hand's buttons as they are tracked now.
func add_tracked_buttons(part: Part, tracker: XRControllerTracker) -> void:
	if _buttons.is_empty():
		_buttons.resize(2 * BUTTONS)
	parts |= part
	var at: int = _PLACES[part]
	var stick: Variant = tracker.get_input(&"primary")
	var pushed: Vector2 = stick if stick is Vector2 else Vector2.ZERO
	# What the app's action map does not have is null, which becomes 0, as false does.
	_buttons[at] = type_convert(tracker.get_input(&"trigger"), TYPE_FLOAT)
	_buttons[at + 1] = type_convert(tracker.get_input(&"grip"), TYPE_FLOAT)
	_buttons[at + 2] = pushed.x
	_buttons[at + 3] = pushed.y
	_buttons[at + 4] = type_convert(tracker.get_input(&"primary_click"), TYPE_FLOAT)
	_buttons[at + 5] = type_convert(tracker.get_input(&"ax_button"), TYPE_FLOAT)
	_buttons[at + 6] = type_convert(tracker.get_input(&"by_button"), TYPE_FLOAT)
	_buttons[at + 7] = type_convert(tracker.get_input(&"menu_button"), TYPE_FLOAT)


## Adds a hand's [constant JOINTS] joints as [method XRHandTracker.get_hand_joint_transform] gives them. A hand with a
## joint that is not finite or too far away is left out by [method blob].
func add_hand(part: Part, joints: Array[Transform3D]) -> void:
	assert(joints.size() == JOINTS, "26 joints")
	var first := _begin_hand(part)
	for index in JOINTS:
		_joints[first + index] = joints[index]


## Adds a hand's joints as they are tracked now.
func add_tracked_hand(part: Part, tracker: XRHandTracker) -> void:
	var first := _begin_hand(part)
	for index in JOINTS:
		_joints[first + index] = tracker.get_hand_joint_transform(index as XRHandTracker.HandJoint)


## The numbers of the wire: little-endian float 32, the [member parts] in the order of their bits. Parts that are not
## sound are no longer among the [member parts] afterwards.
func blob() -> PackedByteArray:
	if _recorded:
		return _recorded
	_leave_out_what_is_unsound()
	var numbers := PackedFloat32Array()
	numbers.resize(7 * (6 + 2 * JOINTS) + 2 * BUTTONS)
	var at := 0
	for place in 6:
		if parts & (Part.HEAD << place):
			_put(numbers, at, _poses[place].origin, _poses[place].basis.get_rotation_quaternion())
			at += 7
	for side in 2:
		if parts & (Part.LEFT_BUTTONS << side):
			for index in BUTTONS:
				numbers[at + index] = _buttons[side * BUTTONS + index]
			at += BUTTONS
	for side in 2:
		if parts & (Part.LEFT_HAND << side):
			for index in JOINTS:
				var joint := _joints[side * JOINTS + index]
				_put(numbers, at, joint.origin, joint.basis.get_rotation_quaternion() * JOINT_TURN)
				at += 7
	numbers.resize(at)
	return numbers.to_byte_array()


func _begin_hand(part: Part) -> int:
	if _joints.is_empty():
		_joints.resize(2 * JOINTS)
	parts |= part
	return _PLACES[part]


func _leave_out_what_is_unsound() -> void:
	for place in 6:
		if parts & (Part.HEAD << place) and not is_sound(_poses[place]):
			parts &= ~(Part.HEAD << place)
	for side in 2:
		if parts & (Part.LEFT_HAND << side):
			if not _joints.slice(side * JOINTS, (side + 1) * JOINTS).all(is_sound):
				parts &= ~(Part.LEFT_HAND << side)


## Whether a pose is finite, not too far away, and not flat.
static func is_sound(pose: Transform3D) -> bool:
	var place := pose.origin.abs()
	return pose.is_finite() and place[place.max_axis_index()] <= FAR and not is_zero_approx(pose.basis.determinant())


static func _put(numbers: PackedFloat32Array, at: int, position: Vector3, orientation: Quaternion) -> void:
	numbers[at] = position.x
	numbers[at + 1] = position.y
	numbers[at + 2] = position.z
	numbers[at + 3] = orientation.x
	numbers[at + 4] = orientation.y
	numbers[at + 5] = orientation.z
	numbers[at + 6] = orientation.w
