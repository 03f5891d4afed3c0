class_name GenlockTrackers
extends RefCounted
## What the engine tracks: finds the trackers when they come and go, and reads them into frames.
##
## Looking things up by name each frame costs more than reading them, so nothing is.

# Each part, its tracker, and the names of the pose: the wanted one, and what will do.
const _SOURCES := [
	[GenlockFrame.Part.HEAD, &"head", &"default", &"default"],
	[GenlockFrame.Part.GAZE, &"/user/eyes_ext", &"default", &"default"],
	[GenlockFrame.Part.LEFT_AIM, &"left_hand", &"aim", &"default"],
	[GenlockFrame.Part.RIGHT_AIM, &"right_hand", &"aim", &"default"],
	[GenlockFrame.Part.LEFT_GRIP, &"left_hand", &"grip", &"grip"],
	[GenlockFrame.Part.RIGHT_GRIP, &"right_hand", &"grip", &"grip"],
]
const _CONTROLLERS: Array[StringName] = [&"left_hand", &"right_hand"]
const _HANDS: Array[StringName] = [&"/user/hand_tracker/left", &"/user/hand_tracker/right"]
# Where an input of a controller lies among the numbers of its buttons; the stick's two are between.
const _INPUTS := {
	"trigger": 0,
	"grip": 1,
	"primary_click": 4,
	"ax_button": 5,
	"by_button": 6,
	"menu_button": 7,
}
const _STICK := "primary"

var _trackers: Array[XRPositionalTracker] = []
# The engine keeps a tracker's pose of a name once there is one.
var _poses: Array[XRPose] = []
# Of trackers that are there, the poses that are not there yet under the wanted name.
var _missing: Array[int] = []
var _controllers: Array[XRControllerTracker] = [null, null]
var _buttons: Array[PackedFloat32Array] = [PackedFloat32Array(), PackedFloat32Array()]
var _hands: Array[XRHandTracker] = [null, null]


func _init() -> void:
	_trackers.resize(_SOURCES.size())
	_poses.resize(_SOURCES.size())
	XRServer.tracker_added.connect(_on_come)
	XRServer.tracker_updated.connect(_on_come)
	XRServer.tracker_removed.connect(_on_gone)
	for name: StringName in XRServer.get_trackers(XRServer.TRACKER_ANY):
		_on_come(name, XRServer.TRACKER_ANY)


## Whether the head is tracked, if only now and then.
func has_head() -> bool:
	return _poses[0] != null


## Adds what is tracked now to a frame.
func read(frame: GenlockFrame, gaze: bool, buttons: bool, hands: bool) -> void:
	if _missing:
		_find_poses()
	frame.add_tracked_poses(_poses, gaze)
	if buttons:
		if _controllers[0] != null:
			frame.add_buttons(GenlockFrame.Part.LEFT_BUTTONS, _buttons[0])
		if _controllers[1] != null:
			frame.add_buttons(GenlockFrame.Part.RIGHT_BUTTONS, _buttons[1])
	if hands:
		_read_hand(frame, GenlockFrame.Part.LEFT_HAND, _hands[0])
		_read_hand(frame, GenlockFrame.Part.RIGHT_HAND, _hands[1])


func _read_hand(frame: GenlockFrame, part: GenlockFrame.Part, tracker: XRHandTracker) -> void:
	if tracker != null and tracker.get_has_tracking_data():
		frame.add_tracked_hand(part, tracker)


func _find_poses() -> void:
	for index: int in _missing.duplicate():
		var tracker := _trackers[index]
		for pose_name: StringName in [_SOURCES[index][2], _SOURCES[index][3]]:
			if tracker.has_pose(pose_name):
				_poses[index] = tracker.get_pose(pose_name)
				break
		if tracker.has_pose(_SOURCES[index][2] as StringName):
			_missing.erase(index)


func _on_come(name: StringName, _type: int) -> void:
	_put(name, XRServer.get_tracker(name))


func _on_gone(name: StringName, _type: int) -> void:
	_put(name, null)


func _put(name: StringName, tracker: XRTracker) -> void:
	for index in _SOURCES.size():
		if _SOURCES[index][1] == name:
			_trackers[index] = tracker as XRPositionalTracker
			_poses[index] = null
			_missing.erase(index)
			if _trackers[index] != null:
				_missing.append(index)
	var side := _CONTROLLERS.find(name)
	if side >= 0:
		_watch(side, tracker as XRControllerTracker)
	side = _HANDS.find(name)
	if side >= 0:
		_hands[side] = tracker as XRHandTracker


## The engine tells what changes of a controller's inputs; most frames nothing does.
func _watch(side: int, controller: XRControllerTracker) -> void:
	if controller == _controllers[side]:
		return
	if _controllers[side] != null:
		_controllers[side].input_float_changed.disconnect(_on_number)
		_controllers[side].input_vector2_changed.disconnect(_on_stick)
		_controllers[side].button_pressed.disconnect(_on_pressed)
		_controllers[side].button_released.disconnect(_on_released)
	_controllers[side] = controller
	_buttons[side] = PackedFloat32Array()
	_buttons[side].resize(GenlockFrame.BUTTONS)
	if controller == null:
		return
	controller.input_float_changed.connect(_on_number.bind(side))
	controller.input_vector2_changed.connect(_on_stick.bind(side))
	controller.button_pressed.connect(_on_pressed.bind(side))
	controller.button_released.connect(_on_released.bind(side))
	for input: String in _INPUTS:
		var value: Variant = controller.get_input(input)
		if value is bool or value is float:
			_on_number(input, value as float, side)
	var stick: Variant = controller.get_input(_STICK)
	if stick is Vector2:
		_on_stick(_STICK, stick as Vector2, side)


func _on_number(input: String, value: float, side: int) -> void:
	var place: int = _INPUTS.get(input, -1)
	if place >= 0:
		_buttons[side][place] = value


func _on_pressed(input: String, side: int) -> void:
	_on_number(input, 1.0, side)


func _on_released(input: String, side: int) -> void:
	_on_number(input, 0.0, side)


func _on_stick(input: String, value: Vector2, side: int) -> void:
	if input == _STICK:
		_buttons[side][2] = value.x
		_buttons[side][3] = value.y
