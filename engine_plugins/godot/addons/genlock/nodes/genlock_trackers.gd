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
var _trackers: Array[XRPositionalTracker] = []
# The engine keeps a tracker's pose of a name once there is one.
var _poses: Array[XRPose] = []
# Of trackers that are there, the poses that are not there yet under the wanted name.
var _missing: Array[int] = []
var _controllers: Array[XRControllerTracker] = [null, null]
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


## Makes a frame what is tracked now, of the parts that are wanted; only for one that nobody else holds.
func read(frame: GenlockFrame, time_us: int, wanted: int) -> void:
	if _missing:
		_find_poses()
	frame.fill(time_us, wanted, _poses, _controllers, _hands)


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
		_controllers[side] = tracker as XRControllerTracker
	side = _HANDS.find(name)
	if side >= 0:
		_hands[side] = tracker as XRHandTracker
