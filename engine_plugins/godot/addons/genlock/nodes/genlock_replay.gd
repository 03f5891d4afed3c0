@tool
@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockReplay
extends Node
## Plays a recording as if a headset were worn, to work at a desk: it moves the trackers of head, eyes, controllers and
## hands, so that [XRCamera3D], [XRController3D] and [GenlockSession] follow.
##
## Recordings (.genlock) are made by [code]genlock serve --record[/code]; samples/recordings has some.

## The recording's scene came: targets as they went over the wire.
signal scene_played(targets: Array[Dictionary])
## Something that is known beside what was sent, as that the user was asked for a target.
signal mark_played(mark: Dictionary)
## A frame is shown now.
signal frame_played(frame: GenlockFrame)
## It came to its end; it begins again if it loops.
signal ended

## The group that these nodes are in.
const GROUP := &"genlock_replay"
## Between two rounds, microseconds: long enough that nothing is carried over.
const ROUND_GAP_USEC := 1_500_000

const _MAGIC := "GENLOCK1"
# Of the left one; those of the right one are next to them.
const _CONTROLLER_PARTS := GenlockFrame.Part.LEFT_AIM | GenlockFrame.Part.LEFT_GRIP | GenlockFrame.Part.LEFT_BUTTONS
const _CHUNK_BYTES := 16 * 1024 * 1024
const _CONTROLLERS: Array[StringName] = [&"left_hand", &"right_hand"]
const _HANDS: Array[StringName] = [&"/user/hand_tracker/left", &"/user/hand_tracker/right"]

## The recording.
@export_file("*.genlock") var recording := "":
	set(value):
		recording = value
		update_configuration_warnings()
## Whether it begins when the scene starts.
@export var play_at_start := true
## Whether it begins again at its end.
@export var loop := true
## Where in the recording it begins, seconds.
@export_range(0.0, 3600.0, 0.1, "or_greater", "suffix:s") var start_s := 0.0
## Whether it stays quiet while a headset is worn.
@export var only_without_headset := true

## Whether trackers follow; without, only the signals come.
var moves_trackers := true
## The time of the frame that is shown now, of [method GenlockClient.now_us]'s clock, microseconds.
var frame_time_us := 0
## How many frames were shown so far.
var frames_played := 0

var _loading := Thread.new()
var _entries: Array[Dictionary] = []
var _header := {}
var _next := 0
var _base_us := 0
var _is_playing := false
var _head: XRPositionalTracker
var _eyes: XRPositionalTracker
var _controllers: Array[XRControllerTracker] = []
var _hands: Array[XRHandTracker] = []
# The parts that came so far.
var _shown := 0


func _init() -> void:
	# Before the session, which streams what this has set.
	process_priority = -900
	# A headset does not stop while the game is paused.
	process_mode = PROCESS_MODE_ALWAYS


func _enter_tree() -> void:
	add_to_group(GROUP)


func _ready() -> void:
	set_process(not Engine.is_editor_hint())
	var is_worn := XRServer.primary_interface != null and XRServer.primary_interface.is_initialized()
	if not Engine.is_editor_hint() and play_at_start and not (only_without_headset and is_worn):
		play()


func _exit_tree() -> void:
	stop()
	if _loading.is_started():
		_loading.wait_to_finish()


func _process(_delta: float) -> void:
	if _loading.is_started() and not _loading.is_alive():
		_loaded(_loading.wait_to_finish())
	if _is_playing and _entries:
		_advance()


func _get_configuration_warnings() -> PackedStringArray:
	if not recording:
		return ["Choose a recording (.genlock)."]
	if not FileAccess.file_exists(recording):
		return ["There is no file %s." % recording]
	return []


## Begins, at [member start_s]. The file is read on a thread; the first frame comes when that is done.
func play() -> void:
	if _is_playing:
		return
	_is_playing = true
	_base_us = 0
	if is_inside_tree():
		get_tree().call_group(GenlockSession.GROUP, &"follow", self)
	if not _entries and not _loading.is_started():
		_loading.start(_load.bind(recording))


## Stops; the trackers it moved go away.
func stop() -> void:
	_is_playing = false
	for tracker: XRTracker in [_head, _eyes] + _controllers + _hands:
		if tracker != null:
			XRServer.remove_tracker(tracker)
	_head = null
	_eyes = null
	_controllers.clear()
	_hands.clear()
	_shown = 0


## Whether it plays, or is about to.
func is_playing() -> bool:
	return _is_playing


## What is known of the recording: hello, created, source, licence, notes. Empty until it is read.
func header() -> Dictionary:
	return _header


## Reads a recording: its header and its entries, each a map with time_us, and message or mark. With a key
## [code]problem[/code] where it is no recording. What was cut short is good up to its last whole chunk.
static func read(path: String) -> Dictionary:
	var bytes := FileAccess.get_file_as_bytes(path)
	if bytes.size() < _MAGIC.length() or bytes.slice(0, _MAGIC.length()) != _MAGIC.to_ascii_buffer():
		return {"problem": "%s is no recording of Genlock, or cannot be read." % path}
	var codec := GenlockMsgpack.new()
	var wire := GenlockWire.new()
	var parts := codec.decode_all(bytes.slice(_MAGIC.length()))
	if not parts or parts[0] is not Dictionary:
		return {"problem": "%s has no header." % path}
	var entries: Array[Dictionary] = []
	for chunk: Array in parts.slice(1):
		var data: PackedByteArray = chunk[3]
		for entry: Array in codec.decode_all(data.decompress_dynamic(_CHUNK_BYTES, FileAccess.COMPRESSION_DEFLATE)):
			if entry[1] == 0:
				entries.append({"time_us": entry[0], "message": wire.read(entry[2] as PackedByteArray)})
			else:
				entries.append({"time_us": entry[0], "mark": entry[2]})
	return {"header": parts[0], "entries": entries}


static func _load(path: String) -> Dictionary:
	return read(path)


func _loaded(content: Dictionary) -> void:
	if "problem" in content:
		_is_playing = false
		var client := get_node_or_null("/root/Genlock") as GenlockClient
		if client != null:
			client.report("recording", content["problem"] as String)
		else:
			push_error(content["problem"])
		return
	_header = content["header"]
	_entries = content["entries"]


func _advance() -> void:
	var now := Time.get_ticks_usec()
	if _base_us == 0:
		_base_us = now - int(start_s * 1e6)
		_next = 0
	var shown := {}
	while _next < _entries.size() and _base_us + (_entries[_next]["time_us"] as int) <= now:
		var entry := _entries[_next]
		_next += 1
		if "mark" in entry:
			mark_played.emit(entry["mark"])
			continue
		var message: Dictionary = entry["message"]
		if message["type"] == "frame":
			shown = entry
		elif message["type"] == "scene":
			var targets: Array[Dictionary] = []
			targets.assign(message["targets"] as Array)
			scene_played.emit(targets)
	if shown:
		frame_time_us = _base_us + (shown["time_us"] as int)
		frames_played += 1
		var message: Dictionary = shown["message"]
		if moves_trackers:
			_show(message)
		frame_played.emit(GenlockFrame.recorded(frame_time_us, message["m"] as int, message["d"] as PackedByteArray))
	if _next >= _entries.size():
		ended.emit()
		_is_playing = loop
		_base_us = 0
		if loop:
			_base_us = now + ROUND_GAP_USEC
			_next = 0


func _show(frame: Dictionary) -> void:
	var numbers := (frame["d"] as PackedByteArray).to_float32_array()
	var parts: int = frame["m"]
	_make_trackers()
	_add_trackers(parts)
	var at := 0
	at = _show_pose(_head, &"default", parts & GenlockFrame.Part.HEAD, numbers, at)
	at = _show_pose(_eyes, &"default", parts & GenlockFrame.Part.GAZE, numbers, at)
	for pose_name: StringName in [&"aim", &"grip"]:
		for side in 2:
			var part := (GenlockFrame.Part.LEFT_AIM if pose_name == &"aim" else GenlockFrame.Part.LEFT_GRIP) << side
			at = _show_pose(_controllers[side], pose_name, parts & part, numbers, at)
			if pose_name == &"aim" and parts & part:
				_controllers[side].set_pose(
					&"default", _pose(numbers, at - 7), Vector3.ZERO, Vector3.ZERO, XRPose.XR_TRACKING_CONFIDENCE_HIGH
				)
	for side in 2:
		at = _show_buttons(_controllers[side], parts & (GenlockFrame.Part.LEFT_BUTTONS << side), numbers, at)
	for side in 2:
		at = _show_hand(_hands[side], parts & (GenlockFrame.Part.LEFT_HAND << side), numbers, at)


## A tracker is there from the first frame on that has something of it.
func _add_trackers(parts: int) -> void:
	if not parts & ~_shown:
		return
	_add(_head, GenlockFrame.Part.HEAD, parts)
	_add(_eyes, GenlockFrame.Part.GAZE, parts)
	for side in 2:
		_add(_controllers[side], _CONTROLLER_PARTS << side, parts)
		_add(_hands[side], GenlockFrame.Part.LEFT_HAND << side, parts)
	_shown |= parts


func _add(tracker: XRTracker, of: int, parts: int) -> void:
	if parts & of and not _shown & of:
		XRServer.add_tracker(tracker)


func _make_trackers() -> void:
	if _head != null:
		return
	_head = XRPositionalTracker.new()
	_head.type = XRServer.TRACKER_HEAD
	_head.name = &"head"
	_head.description = "Genlock replay"
	_eyes = XRPositionalTracker.new()
	_eyes.type = XRServer.TRACKER_UNKNOWN
	_eyes.name = &"/user/eyes_ext"
	for side in 2:
		var hand := XRPositionalTracker.TRACKER_HAND_LEFT if side == 0 else XRPositionalTracker.TRACKER_HAND_RIGHT
		var controller := XRControllerTracker.new()
		controller.name = _CONTROLLERS[side]
		controller.hand = hand
		_controllers.append(controller)
		var tracker := XRHandTracker.new()
		tracker.name = _HANDS[side]
		tracker.hand = hand
		_hands.append(tracker)


static func _show_pose(
	tracker: XRPositionalTracker, pose_name: StringName, is_there: int, numbers: PackedFloat32Array, at: int
) -> int:
	if not is_there:
		tracker.invalidate_pose(pose_name)
		return at
	tracker.set_pose(pose_name, _pose(numbers, at), Vector3.ZERO, Vector3.ZERO, XRPose.XR_TRACKING_CONFIDENCE_HIGH)
	return at + 7


static func _show_buttons(tracker: XRControllerTracker, is_there: int, numbers: PackedFloat32Array, at: int) -> int:
	if not is_there:
		return at
	tracker.set_input(&"trigger", numbers[at])
	tracker.set_input(&"grip", numbers[at + 1])
	tracker.set_input(&"primary", Vector2(numbers[at + 2], numbers[at + 3]))
	tracker.set_input(&"primary_click", numbers[at + 4] > 0.5)
	tracker.set_input(&"ax_button", numbers[at + 5] > 0.5)
	tracker.set_input(&"by_button", numbers[at + 6] > 0.5)
	tracker.set_input(&"menu_button", numbers[at + 7] > 0.5)
	return at + GenlockFrame.BUTTONS


static func _show_hand(tracker: XRHandTracker, is_there: int, numbers: PackedFloat32Array, at: int) -> int:
	tracker.has_tracking_data = is_there != 0
	if not is_there:
		return at
	var turned_back := Basis(GenlockFrame.JOINT_TURN.inverse())
	for joint in GenlockFrame.JOINTS:
		var pose := _pose(numbers, at)
		pose.basis = pose.basis * turned_back
		tracker.set_hand_joint_transform(joint as XRHandTracker.HandJoint, pose)
		at += 7
	return at


static func _pose(numbers: PackedFloat32Array, at: int) -> Transform3D:
	var orientation := Quaternion(numbers[at + 3], numbers[at + 4], numbers[at + 5], numbers[at + 6])
	return Transform3D(Basis(orientation.normalized()), Vector3(numbers[at], numbers[at + 1], numbers[at + 2]))
