@tool
@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockSession
extends Node
## Streams what the headset tracks, and what there is to look at. Put it under the [XROrigin3D].
##
## It finds the [XRCamera3D], the [XRController3D]s and the hand trackers by itself, and every [GenlockTarget] of the
## scene. What the daemon answers comes as signals of the autoload [code]Genlock[/code], a [GenlockClient]. With no
## headset it streams the camera alone, or what a [GenlockReplay] plays.

## A frame was handed to the connection.
signal frame_sent(frame: GenlockFrame)

## The group that these nodes are in.
const GROUP := &"genlock_session"
## How far a target moves before the daemon is told, metres.
const MOVED := 0.01
## How many targets are looked at in one frame, so that none takes long.
const TARGETS_A_FRAME := 4
## The smallest pause between two changes of the scene, microseconds.
const SCENE_USEC := 200_000
## The pause after a scene that was refused as a whole, microseconds.
const REFUSED_USEC := 5_000_000
## Without a headset: so many frames may come closer to each other, if as many came later before.
const FRAMES_AHEAD := 3
# Frames that are used again, once nobody else holds them.
const _FRAMES_KEPT := 3

## What the app can do.
@export var actions: GenlockActions:
	set(value):
		actions = value
		update_configuration_warnings()
## Whether to connect when the scene starts; else call [method GenlockClient.connect_to_daemon] of the autoload. A
## connection that is there already is kept, unless this scene has other actions, streams or horizons.
@export var connect_at_start := true
## How far ahead head and hands are forecast, milliseconds; up to 8 of 0 to 250. Empty: no forecast.
@export var horizons_ms := PackedFloat32Array([50.0, 100.0])
## How probable a target must be to be meant, 0 to 1.
@export_range(0.0, 1.0, 0.01) var target_threshold := 0.5
@export_group("Streams")
## Whether hand joints are sent where hands are tracked, 26 poses a hand.
@export var send_hands := true
## Whether the direction of the eyes is sent where it is tracked.
@export var send_gaze := true
## Whether triggers, sticks and buttons are sent.
@export var send_buttons := true
## Whether the app means to send pictures, by [method send_image] or [method send_view]: else none is looked at.
@export var send_images := false

## The connection; the autoload, if it is not set before the node enters the tree.
var client: GenlockClient

var _origin: XROrigin3D
var _camera: XRCamera3D
var _replay: GenlockReplay
var _trackers: GenlockTrackers
var _frames: Array[GenlockFrame] = []
var _next_frame := 0
var _last_time_us := 0
var _due_us := 0
var _targets: Array[GenlockTarget] = []
var _told_of: Dictionary[String, GenlockTarget] = {}
var _next_target := 0
var _known: Dictionary[String, Dictionary] = {}
var _changed: Dictionary[String, Dictionary] = {}
# How long targets are in a scene.
var _bytes: Dictionary[String, int] = {}
var _gone := PackedStringArray()
# Ids of targets that the daemon has refused.
var _refused: Dictionary[String, bool] = {}
var _reported: Dictionary[String, bool] = {}
var _scene_request: GenlockRequest
var _scene_at := 0
var _is_scene_begun := false
var _is_streaming := false


func _init() -> void:
	# Menus of a paused game are pointed at.
	process_mode = PROCESS_MODE_ALWAYS


func _enter_tree() -> void:
	add_to_group(GROUP)
	if client == null:
		client = get_node_or_null("/root/Genlock") as GenlockClient


func _ready() -> void:
	if Engine.is_editor_hint():
		set_process(false)
		return
	_origin = _find_origin()
	_camera = _find(_origin, "XRCamera3D") as XRCamera3D
	if client == null or _origin == null:
		push_error("GenlockSession: " + " ".join(_get_configuration_warnings()))
		set_process(false)
		return
	_trackers = GenlockTrackers.new()
	_frames.resize(_FRAMES_KEPT)
	_replay = get_tree().get_first_node_in_group(GenlockReplay.GROUP) as GenlockReplay
	client.actions = actions
	client.horizons_ms = horizons_ms
	client.target_threshold = target_threshold
	client.refresh_hz = clampf(_refresh_hz(), 1.0, 240.0)
	if send_images and "image" not in client.streams:
		client.streams.append("image")
	client.welcomed.connect(_on_welcomed)
	client.disconnected.connect(_on_disconnected)
	if connect_at_start:
		# Deferred, so that all nodes have said what they stream.
		client.connect_to_daemon.call_deferred()


func _exit_tree() -> void:
	# What was told of goes with this scene; the client, and what the daemon knows, outlive it.
	if is_instance_valid(client) and client.is_active() and _known:
		client.show_scene([], false, PackedStringArray(_known.keys()))
	_forget_scene()


func _process(_delta: float) -> void:
	if not _is_streaming:
		# Not asked in each frame: the client tells when it is over.
		_is_streaming = client.is_active()
		if not _is_streaming:
			return
	if _next_target < _targets.size() or Time.get_ticks_usec() >= _scene_at:
		_look_at_targets()
	if _is_too_soon():
		return
	var frame := capture()
	if frame != null:
		client.send_frame(frame)
		if frame_sent.has_connections():
			frame_sent.emit(frame)


func _get_configuration_warnings() -> PackedStringArray:
	var warnings := PackedStringArray()
	var origin := _find_origin()
	if origin == null:
		warnings.append("Put it under an XROrigin3D.")
	elif _find(origin, "XRCamera3D") == null:
		warnings.append("The XROrigin3D has no XRCamera3D: without one there is no head to stream.")
	if actions == null:
		warnings.append("It has no actions: make a GenlockActions resource, so that users can say something.")
	else:
		warnings.append_array(actions.problems())
	if not ProjectSettings.has_setting("autoload/Genlock") and (Engine.is_editor_hint() or client == null):
		warnings.append("The autoload Genlock is missing: enable the plugin in the project settings.")
	return warnings


## What is tracked now; null if nothing new is.
func capture() -> GenlockFrame:
	var time_us := Time.get_ticks_usec()
	if _replay != null and is_instance_valid(_replay) and _replay.is_playing():
		time_us = _replay.frame_time_us
	if time_us <= _last_time_us:
		return null
	_last_time_us = time_us
	_next_frame = (_next_frame + 1) % _FRAMES_KEPT
	var frame := _frames[_next_frame]
	if frame == null or frame.get_reference_count() > 2:
		# Somebody still holds it: the connection's thread, or who listens.
		frame = GenlockFrame.new(time_us)
		_frames[_next_frame] = frame
	var wanted := GenlockFrame.ALL
	if not send_gaze:
		wanted &= ~GenlockFrame.Part.GAZE
	if not send_buttons:
		wanted &= ~(GenlockFrame.Part.LEFT_BUTTONS | GenlockFrame.Part.RIGHT_BUTTONS)
	if not send_hands:
		wanted &= ~(GenlockFrame.Part.LEFT_HAND | GenlockFrame.Part.RIGHT_HAND)
	_trackers.read(frame, time_us, wanted)
	if _camera != null and not frame.parts & GenlockFrame.Part.HEAD and not _trackers.has_head():
		frame.add_pose(GenlockFrame.Part.HEAD, stage_to_world().affine_inverse() * _camera.global_transform)
	return frame


## Sends a picture that was taken now: of a camera, say. See [method GenlockClient.send_image].
func send_image(picture: Image) -> bool:
	return client.send_image(picture, client.now_us())


## Sends what a viewport shows; false if it was not sent. Fetches it from the graphics card on the main thread,
## which waits some milliseconds for that: call it a few times a second at most, best of a small [SubViewport].
func send_view(viewport: Viewport) -> bool:
	if not client.can_send_image():
		return false
	var picture := viewport.get_texture().get_image()
	return picture != null and send_image(picture)


## Takes the times of frames from a replay while it plays; called by [GenlockReplay].
func follow(replay: GenlockReplay) -> void:
	_replay = replay


## Takes poses of the stage, in metres, into the world.
func stage_to_world() -> Transform3D:
	var scale := Transform3D(Basis.from_scale(Vector3.ONE * XRServer.world_scale), Vector3.ZERO)
	return _origin.global_transform * XRServer.get_reference_frame() * scale


func _look_at_targets() -> void:
	var now := Time.get_ticks_usec()
	if not _is_scene_begun:
		if now < _scene_at:
			return
		# All at once, so that the daemon knows what there is before it hears anything.
		_is_scene_begun = true
		_find_targets()
		_look_at(_targets.size())
		_tell_scene()
		_scene_at = now + SCENE_USEC
		return
	if _next_target >= _targets.size():
		if now < _scene_at or _is_scene_on_its_way():
			return
		_tell_scene()
		_scene_at = now + SCENE_USEC
		_find_targets()
		return
	_look_at(mini(_next_target + TARGETS_A_FRAME, _targets.size()))


func _look_at(until: int) -> void:
	var stage_from_world := stage_to_world().affine_inverse()
	while _next_target < until:
		var target := _targets[_next_target]
		_next_target += 1
		if is_instance_valid(target) and target.is_inside_tree():
			var message := target.to_message(stage_from_world)
			var id: String = message["id"]
			var problem := GenlockTarget.problem_of(message)
			if problem:
				_report_once(problem)
				_told_of.erase(id)
			elif id not in _known or _has_changed(_known[id], message):
				_changed[id] = message
				_bytes[id] = GenlockWire.target_bytes(message)


func _find_targets() -> void:
	_targets.clear()
	_told_of.clear()
	_next_target = 0
	for node in get_tree().get_nodes_in_group(GenlockClient.TARGETS):
		var target := node as GenlockTarget
		if target == null or not target.enabled or target.get_parent() is not Node3D:
			continue
		var id := target.wire_id()
		if id in _told_of:
			_report_once("Two targets have the id '%s': one is told of. Give each an id of its own." % id)
		elif _targets.size() == GenlockWire.MAX_TARGETS:
			_report_once("There are more than %d targets: the others are not told of." % GenlockWire.MAX_TARGETS)
			return
		elif id not in _refused:
			_told_of[id] = target
			_targets.append(target)


func _tell_scene() -> void:
	_leave_out_what_is_too_much()
	_gone = PackedStringArray()
	for id in _known:
		if not is_instance_valid(_told_of.get(id)):
			_gone.append(id)
	if not _changed and not _gone:
		return
	for id in _gone:
		_known.erase(id)
	_known.merge(_changed, true)
	var targets: Array[Dictionary] = []
	targets.assign(_changed.values())
	_scene_request = client.show_scene(targets, false, _gone)
	_scene_request.finished.connect(_on_scene_answered)
	_changed = {}


## The daemon takes a scene in one message; those that come last may have no room in it.
func _leave_out_what_is_too_much() -> void:
	var total := 0
	for id in _known:
		if id not in _told_of:
			total += 5 + id.to_utf8_buffer().size()
	for id: String in _told_of.keys():
		var bytes: int = _bytes.get(id, 0)
		if total + bytes <= GenlockWire.SCENE_BYTES:
			total += bytes
			continue
		_told_of.erase(id)
		_changed.erase(id)
		_report_once(
			(
				"With the target '%s' the scene is longer than %d bytes: it is not told of. Shorten names and aliases."
				% [id, GenlockWire.SCENE_BYTES]
			)
		)


## A scene that was refused has changed nothing: all is told again, but for the target that it was refused for.
func _on_scene_answered(done: bool) -> void:
	if done or _scene_request == null:
		return
	if _scene_request.target_id:
		_refused[_scene_request.target_id] = true
		_scene_at = 0
	else:
		_scene_at = Time.get_ticks_usec() + REFUSED_USEC
	for id: String in _known.keys() + Array(_gone):
		_known[id] = {}
	_changed = {}
	_is_scene_begun = false
	_targets.clear()
	_next_target = 0


func _report_once(problem: String) -> void:
	if problem not in _reported:
		_reported[problem] = true
		client.report("targets", problem)


func _is_scene_on_its_way() -> bool:
	return _scene_request != null and not _scene_request.is_finished


func _on_welcomed(welcome: Dictionary) -> void:
	if welcome["recording"]:
		print("Genlock: the daemon records this session.")


## A headset and a recording have a rate of their own; a window without vsync has none.
func _is_too_soon() -> bool:
	var interface := XRServer.primary_interface
	var is_worn := interface != null and interface.is_initialized()
	if is_worn or (_replay != null and is_instance_valid(_replay) and _replay.is_playing()):
		return false
	var now := Time.get_ticks_usec()
	if now < _due_us:
		return true
	var period := int(1e6 / client.refresh_hz)
	_due_us = maxi(_due_us, now - FRAMES_AHEAD * period) + period
	return false


## The next session is a new one, which knows nothing.
func _on_disconnected() -> void:
	_is_streaming = false
	_forget_scene()


func _forget_scene() -> void:
	_is_scene_begun = false
	_scene_at = 0
	_known.clear()
	_changed.clear()
	_bytes.clear()
	_gone = PackedStringArray()
	_refused.clear()
	_targets.clear()
	_told_of.clear()
	_next_target = 0
	_scene_request = null


func _refresh_hz() -> float:
	var interface := XRServer.primary_interface
	if interface != null and interface.has_method("get_display_refresh_rate"):
		var rate: float = interface.call("get_display_refresh_rate")
		if rate > 0:
			return rate
	return float(Engine.max_fps) if Engine.max_fps > 0 else 90.0


func _find_origin() -> XROrigin3D:
	var node := get_parent()
	while node != null and node is not XROrigin3D:
		node = node.get_parent()
	return node as XROrigin3D


static func _find(root: Node, type: String) -> Node:
	if root == null:
		return null
	var found := root.find_children("*", type, true, false)
	return found[0] if found else null


static func _has_changed(before: Dictionary, now: Dictionary) -> bool:
	return (
		not before
		or (before["position"] as Vector3).distance_to(now["position"] as Vector3) > MOVED
		or (before["size"] as Vector3).distance_to(now["size"] as Vector3) > MOVED
		or before["name"] != now["name"]
		or before["aliases"] != now["aliases"]
	)
