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

## The bits of all parts.
const ALL := 0x3ff
## How many joints a hand has, in the order of [enum XRHandTracker.HandJoint].
const JOINTS := 26
## How many numbers tell of the buttons of a hand: trigger, squeeze, thumbstick x and y, thumbstick click, primary,
## secondary, menu.
const BUTTONS := 8
## What the engine's default action map calls them; the thumbstick is one.
const INPUTS: Array[StringName] = [
	&"trigger", &"grip", &"primary", &"primary_click", &"ax_button", &"by_button", &"menu_button"
]
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
	Part.RIGHT_BUTTONS: 7,  # as many as INPUTS
	Part.LEFT_HAND: 0,
	Part.RIGHT_HAND: JOINTS,
}

## Microseconds of the clock that all times of a session are of.
var time_us := 0
## The parts in it, bits of [enum Part].
var parts := 0

var _poses: Array[Transform3D] = []
# As the engine gives them: of whatever type the app's action map has made them, null if it does not have them.
var _inputs: Array = []
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


## Adds the pose of head, gaze, aim or grip. One that is not finite or too far away is left out by [method blob], which
## has the time to look.
func add_pose(part: Part, pose: Transform3D) -> void:
	if _poses.is_empty():
		_poses.resize(6)
	parts |= part
	_poses[_PLACES[part]] = pose


## The pose of head, gaze, aim or grip, which must be among the [member parts].
func pose_of(part: Part) -> Transform3D:
	return _poses[_PLACES[part]]


## Adds the [constant BUTTONS] numbers of a hand's buttons.
func add_buttons(part: Part, numbers: PackedFloat32Array) -> void:
	assert(numbers.size() == BUTTONS, "eight numbers")
	if _inputs.is_empty():
		_inputs.resize(2 * INPUTS.size())
	parts |= part
	var inputs := Array(numbers.slice(0, 2)) + [Vector2(numbers[2], numbers[3])] + Array(numbers.slice(4))
	var first: int = _PLACES[part]
	for index in INPUTS.size():
		_inputs[first + index] = inputs[index]


## Adds a hand's [constant JOINTS] joints as [method XRHandTracker.get_hand_joint_transform] gives them. A hand with a
## joint that is not finite or too far away is left out by [method blob].
func add_hand(part: Part, joints: Array[Transform3D]) -> void:
	assert(joints.size() == JOINTS, "26 joints")
	var first := _begin_hand(part)
	for index in JOINTS:
		_joints[first + index] = joints[index]


## Makes it what is tracked now, of the parts that are wanted (bits of [enum Part]); only for a frame that nobody else
## holds. There are six poses, in the order of their bits, and two of the others, left and right; null for what is not
## there. It is left to [method blob] to look at what was copied.
func fill(
	its_time_us: int,
	wanted: int,
	poses: Array[XRPose],
	controllers: Array[XRControllerTracker],
	hands: Array[XRHandTracker]
) -> void:
	# All in one function: a call that is made once a frame finds nothing in the cache, and costs more than ten joints do.
	if _poses.is_empty() or _inputs.is_empty() or _joints.is_empty():
		_poses.resize(6)
		_inputs.resize(2 * INPUTS.size())
		_joints.resize(2 * JOINTS)
	time_us = its_time_us
	parts = 0
	for place in 6:
		var pose := poses[place]
		if pose != null and wanted & (Part.HEAD << place) and pose.get_has_tracking_data():
			_poses[place] = pose.get_transform()
			parts |= Part.HEAD << place
	for side in 2:
		var controller := controllers[side]
		if controller != null and wanted & (Part.LEFT_BUTTONS << side):
			parts |= Part.LEFT_BUTTONS << side
			var at := side * INPUTS.size()
			for input in INPUTS:
				_inputs[at] = controller.get_input(input)
				at += 1
	for side in 2:
		var hand := hands[side]
		if hand != null and wanted & (Part.LEFT_HAND << side) and hand.get_has_tracking_data():
			parts |= Part.LEFT_HAND << side
			var first := side * JOINTS
			for index in JOINTS:
				_joints[first + index] = hand.get_hand_joint_transform(index as XRHandTracker.HandJoint)


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
			at = _put_inputs(numbers, at, side * INPUTS.size())
	for side in 2:
		if parts & (Part.LEFT_HAND << side):
			for index in JOINTS:
				var joint := _joints[side * JOINTS + index]
				_put(numbers, at, joint.origin, joint.basis.get_rotation_quaternion() * JOINT_TURN)
				at += 7
	numbers.resize(at)
	return numbers.to_byte_array()


## The numbers of the wire of one part that is not buttons: a pose, or those of a hand's [constant JOINTS] joints. Empty
## if it is not in the frame, or not sound.
func numbers_of(part: Part) -> PackedFloat32Array:
	var numbers := PackedFloat32Array()
	if not parts & part:
		return numbers
	var is_hand := part in [Part.LEFT_HAND, Part.RIGHT_HAND]
	var first: int = _PLACES[part]
	var all := _joints if is_hand else _poses
	var poses: Array[Transform3D] = all.slice(first, first + (JOINTS if is_hand else 1))
	if not poses.all(is_sound):
		return numbers
	numbers.resize(7 * poses.size())
	for index in poses.size():
		var turn := poses[index].basis.get_rotation_quaternion()
		_put(numbers, 7 * index, poses[index].origin, turn * JOINT_TURN if is_hand else turn)
	return numbers


func _begin_hand(part: Part) -> int:
	if _joints.is_empty():
		_joints.resize(2 * JOINTS)
	parts |= part
	return _PLACES[part]


func _put_inputs(numbers: PackedFloat32Array, at: int, first: int) -> int:
	for index in INPUTS.size():
		var input: Variant = _inputs[first + index]
		if INPUTS[index] == &"primary":
			var pushed: Vector2 = input if input is Vector2 else Vector2.ZERO
			numbers[at] = pushed.x
			numbers[at + 1] = pushed.y
			at += 2
		else:
			# Null becomes 0, as false does.
			numbers[at] = type_convert(input, TYPE_FLOAT)
			at += 1
	return at


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
