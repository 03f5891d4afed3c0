class_name GenlockFrame
extends RefCounted
## One sample of tracking: what was tracked at one time, and where it was.
##
## Poses are in the stage, which is the space of the [XROrigin3D] in metres, without its world scale. Filling a frame
## is cheap; [method blob], which turns it into the numbers of the wire, is called on the connection's thread.

## What can be tracked; the bits of the wire. Parts are added in this order.
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


## Adds the pose of head, gaze, aim or grip. One that is not finite or too far away is left out.
func add_pose(part: Part, pose: Transform3D) -> void:
	if _is_sound(pose):
		assert(part > parts, "parts are added in the order of their bits")
		parts |= part
		_poses.append(pose)


## The pose of head, gaze, aim or grip, which must be among the [member parts].
func pose_of(part: Part) -> Transform3D:
	var place := 0
	var bit := 1
	while bit < part:
		place += 1 if parts & bit else 0
		bit <<= 1
	return _poses[place]


## Adds the [constant BUTTONS] numbers of a hand's buttons.
func add_buttons(part: Part, numbers: PackedFloat32Array) -> void:
	assert(part > parts and numbers.size() == BUTTONS, "eight numbers, in the order of the parts' bits")
	parts |= part
	_buttons.append_array(numbers)


## Adds a hand's [constant JOINTS] joints as [method XRHandTracker.get_hand_joint_transform] gives them.
func add_hand(part: Part, joints: Array[Transform3D]) -> void:
	assert(part > parts and joints.size() == JOINTS, "26 joints, in the order of the parts' bits")
	for joint in joints:
		if not _is_sound(joint):
			return
	parts |= part
	_joints.append_array(joints)


## The numbers of the wire: little-endian float 32, the parts in the order of their bits.
func blob() -> PackedByteArray:
	if _recorded:
		return _recorded
	var numbers := PackedFloat32Array()
	numbers.resize(7 * _poses.size() + _buttons.size() + 7 * _joints.size())
	var at := 0
	for pose in _poses:
		_put(numbers, at, pose.origin, pose.basis.get_rotation_quaternion())
		at += 7
	for number in _buttons:
		numbers[at] = number
		at += 1
	for joint in _joints:
		_put(numbers, at, joint.origin, joint.basis.get_rotation_quaternion() * JOINT_TURN)
		at += 7
	return numbers.to_byte_array()


static func _put(numbers: PackedFloat32Array, at: int, position: Vector3, orientation: Quaternion) -> void:
	numbers[at] = position.x
	numbers[at + 1] = position.y
	numbers[at + 2] = position.z
	numbers[at + 3] = orientation.x
	numbers[at + 4] = orientation.y
	numbers[at + 5] = orientation.z
	numbers[at + 6] = orientation.w


static func _is_sound(pose: Transform3D) -> bool:
	var place := pose.origin.abs()
	return pose.is_finite() and place[place.max_axis_index()] <= FAR and not is_zero_approx(pose.basis.determinant())
