extends Node3D
## A room of things to look at, name, grab by voice and by gesture. Without a headset a recording is played.

const HELP := "Try: take the kettle, paint it blue, hide that one, put it down. Hold T to speak, V to show something."

var _held: Exhibit
var _selected: Exhibit

@onready var _genlock: GenlockClient = get_node("/root/Genlock")
@onready var _hand: XRController3D = $XROrigin3D/RightController
@onready var _session: GenlockSession = $XROrigin3D/GenlockSession
@onready var _microphone: GenlockMicrophone = $GenlockMicrophone
@onready var _connection: Label = $Screen/Lines/Connection
@onready var _meant: Label = $Screen/Lines/Meant
@onready var _done: Label = $Screen/Lines/Done
@onready var _say: LineEdit = $Screen/Lines/Say


func _ready() -> void:
	_start_headset()
	_genlock.welcomed.connect(_on_welcomed)
	_genlock.reconnecting.connect(
		func(_attempt: int, wait_s: float) -> void: _connection.text = "tries again in %.1f s" % wait_s
	)
	_genlock.failed.connect(func(_code: String, message: String) -> void: _connection.text = message)
	_genlock.target_changed.connect(_on_target_changed)
	_genlock.action_started.connect(func(action: GenlockActionEvent) -> void: _done.text = action.name + " …")
	_genlock.action_performed.connect(_on_action_performed)
	_genlock.action_canceled.connect(
		func(action: GenlockActionEvent) -> void: _done.text = action.name + ": never mind"
	)
	_genlock.notice.connect(func(_code: String, message: String, _id: String) -> void: _done.text = message)
	_genlock.transcript.connect(func(text: String, _is_final: bool) -> void: _say.text = text)
	_genlock.heard.connect(_on_heard)
	_genlock.seen.connect(
		func(thing: String, _time_us: int, _action: GenlockActionEvent) -> void: _done.text = "seen: " + thing
	)
	_say.text_submitted.connect(_on_said)


func _unhandled_key_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key.keycode == KEY_T and not key.echo:
		if key.pressed:
			_microphone.press()
		else:
			_microphone.release()
	elif key.keycode == KEY_V and key.pressed and not _session.send_view(get_viewport()):
		_done.text = "the daemon looks at no pictures now"


func _start_headset() -> void:
	var headset := XRServer.find_interface("OpenXR")
	if headset != null and headset.is_initialized():
		get_viewport().use_xr = true
		DisplayServer.window_set_vsync_mode(DisplayServer.VSYNC_DISABLED)


func _on_welcomed(welcome: Dictionary) -> void:
	_connection.text = "connected" + (", recorded" if welcome["recording"] else "")


func _on_target_changed(target: GenlockTarget, probability: float) -> void:
	_meant.text = (
		"%s is meant (%d %%)" % [target.spoken_name, 100 * probability] if target != null else "nothing is meant"
	)


func _on_said(words: String) -> void:
	_say.clear()
	_genlock.say(words)


func _on_heard(speech: GenlockSpeech) -> void:
	_say.clear()
	_done.text = "heard: " + speech.text + (" (%d %% you)" % [100 * speech.speaker] if speech.speaker >= 0 else "")


func _on_action_performed(action: GenlockActionEvent) -> void:
	var exhibit := action.target.get_parent() as Exhibit if action.target != null else null
	_done.text = action.name + (" " + action.target.spoken_name if exhibit != null else "")
	match action.name:
		"select":
			_selected = exhibit
		"take":
			_put_down()
			_held = exhibit
			_held.take(_hand)
		"put_down":
			_put_down()
		"paint":
			exhibit.paint(Color.from_string(str(action.arguments["colour"]), Color.WHITE))
		"hide":
			exhibit.set_shown(false)
		"show_all":
			for each: Exhibit in $Exhibits.get_children():
				each.set_shown(true)
		"help":
			_done.text = HELP
	if exhibit != null:
		# The user has chosen it: that is what pointing is learned from.
		_genlock.confirm_action(action)


func _put_down() -> void:
	if _held != null:
		_held.put_down()
		_held = null
