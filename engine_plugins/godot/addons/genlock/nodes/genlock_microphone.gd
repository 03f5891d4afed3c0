@tool
@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockMicrophone
extends Node
## Streams what the user says: mono, 16 kHz, in pieces of a tenth of a second.
##
## Needs the project setting audio/driver/enable_input, and on Android the permission RECORD_AUDIO in the export preset.
## The sound is taken from a bus of its own, which is not heard. Resampling happens on a thread.

## A piece was handed to the connection.
signal piece_sent(time_us: int, pcm: PackedByteArray, is_end: bool)

## When it streams.
enum Mode {
	## While [method press] was called and [method release] was not.
	PUSH_TO_TALK,
	## Always.
	OPEN,
}

## The wire's samples a second.
const RATE := 16_000
## Samples of a piece: a tenth of a second.
const PIECE := 1_600
## Silence of exactly zero for so long means that the microphone may not be used, seconds.
const DEAD_S := 3.0

const _PERMISSION := "android.permission.RECORD_AUDIO"

## When it streams.
@export var mode := Mode.PUSH_TO_TALK:
	set(value):
		var is_other := value != mode
		mode = value
		if is_other and is_node_ready() and not Engine.is_editor_hint():
			if value == Mode.OPEN:
				press()
			else:
				release()
## What is listened to. Empty: the microphone; else any sound, to try an app without one.
@export var source: AudioStream

## The connection; the autoload, if it is not set before the node enters the tree.
var client: GenlockClient

var _player: AudioStreamPlayer
var _capture: AudioEffectCapture
var _bus := &""
var _is_pressed := false
# Whether the daemon waits for more, or for the end.
var _is_under_way := false
var _resampler: GenlockResampler
var _heard_s := 0.0
var _was_heard := false
var _told_dead := false


func _init() -> void:
	# Menus of a paused game are spoken to.
	process_mode = PROCESS_MODE_ALWAYS


func _enter_tree() -> void:
	if client == null:
		client = get_node_or_null("/root/Genlock") as GenlockClient
	if client != null and not Engine.is_editor_hint() and "audio" not in client.streams:
		client.streams.append("audio")


func _ready() -> void:
	set_process(not Engine.is_editor_hint())
	if not Engine.is_editor_hint():
		_open()
		if mode == Mode.OPEN:
			press()


func _exit_tree() -> void:
	_is_pressed = false
	_close()
	if _is_under_way and is_instance_valid(client):
		_send(GenlockResampler.Piece.new(client.now_us(), PackedByteArray(), true))
	# It opens again where it is put next.
	request_ready()


func _process(_delta: float) -> void:
	if _capture == null:
		return
	if AudioServer.get_bus_index(_bus) < 0:
		# The app has set another layout of buses, which no signal tells.
		_add_bus()
	var count := _capture.get_frames_available()
	if count > 0:
		var sound := _capture.get_buffer(count)
		_watch(sound)
		if _is_pressed:
			# The newest sample is of now; the first of these came as much earlier as they are long.
			var lasts_us := int(1e6 * count / AudioServer.get_mix_rate())
			_resampler.add(sound, client.now_us() - lasts_us)
	for piece in _resampler.take():
		_send(piece)


func _get_configuration_warnings() -> PackedStringArray:
	if source == null and not ProjectSettings.get_setting("audio/driver/enable_input", false):
		return ["The project setting audio/driver/enable_input is off: no microphone can be heard."]
	return []


## The user begins to speak. Ends with [method release], and when the node leaves the tree.
func press() -> void:
	if not _is_pressed:
		_is_pressed = true
		if _capture != null:
			_capture.clear_buffer()


## The user has spoken.
func release() -> void:
	if _is_pressed:
		_is_pressed = false
		if _resampler != null:
			_resampler.finish()


## Whether it streams now.
func is_streaming() -> bool:
	return _is_pressed


func _open() -> void:
	if source == null:
		if not ProjectSettings.get_setting("audio/driver/enable_input", false):
			_report("The project setting audio/driver/enable_input is off: no microphone can be heard.")
			return
		if OS.get_name() == "Android" and _PERMISSION not in OS.get_granted_permissions():
			# A microphone that is opened before gives only silence.
			get_tree().on_request_permissions_result.connect(_on_permission)
			OS.request_permission(_PERMISSION)
			return
	_listen()


func _on_permission(permission: String, is_granted: bool) -> void:
	if permission != _PERMISSION:
		return
	_forget_permission()
	if is_granted:
		_listen()
	else:
		_report("The user does not let the app use the microphone.")


func _forget_permission() -> void:
	if get_tree().on_request_permissions_result.is_connected(_on_permission):
		get_tree().on_request_permissions_result.disconnect(_on_permission)


func _listen() -> void:
	_resampler = GenlockResampler.new(AudioServer.get_mix_rate())
	_bus = "Genlock %d" % get_instance_id()
	_capture = AudioEffectCapture.new()
	_capture.buffer_length = 1.0
	_add_bus()
	_player = AudioStreamPlayer.new()
	_player.stream = source if source != null else AudioStreamMicrophone.new()
	_player.bus = _bus
	add_child(_player)
	# Played from the start on: a microphone that is opened when the user begins to speak misses the first words.
	_player.play()


func _add_bus() -> void:
	AudioServer.add_bus()
	var index := AudioServer.bus_count - 1
	AudioServer.set_bus_name(index, _bus)
	AudioServer.add_bus_effect(index, _capture)
	AudioServer.set_bus_mute(index, true)


func _close() -> void:
	_forget_permission()
	if _capture == null:
		return
	_player.stop()
	_player.stream = null
	_player.queue_free()
	_resampler.stop()
	_resampler = null
	_capture = null
	var index := AudioServer.get_bus_index(_bus)
	if index >= 0:
		AudioServer.remove_bus(index)


func _send(piece: GenlockResampler.Piece) -> void:
	if client == null:
		return
	_is_under_way = not piece.is_end
	client.send_audio(piece.time_us, piece.pcm, piece.is_end)
	piece_sent.emit(piece.time_us, piece.pcm, piece.is_end)


func _watch(sound: PackedVector2Array) -> void:
	if _was_heard or _told_dead or source != null:
		return
	_was_heard = sound[0] != Vector2.ZERO or sound[-1] != Vector2.ZERO
	_heard_s += sound.size() / AudioServer.get_mix_rate()
	if not _was_heard and _heard_s > DEAD_S:
		_told_dead = true
		_report("The microphone gives nothing but zeros: the app may lack the permission to use it.")


func _report(message: String) -> void:
	if client != null:
		client.report("microphone", message)
	else:
		push_warning("Genlock: " + message)
