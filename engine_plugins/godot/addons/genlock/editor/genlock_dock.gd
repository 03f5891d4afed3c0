@tool
class_name GenlockDock
extends VBoxContainer
## The editor's dock: connects to the daemon to try the settings, plays a recording to it, and shows what is sent and
## answered, by the editor itself or by the running game.

## How often the figures change, seconds.
const SHOW_S := 0.25
## Lines of the log.
const LINES := 200

const _STATES := ["not connected", "waits to try again", "connecting", "greeting", "connected", "leaving"]

var _client: GenlockClient
var _replay: GenlockReplay
var _address := LineEdit.new()
var _connect := Button.new()
var _recording := LineEdit.new()
var _choose := Button.new()
var _files := EditorFileDialog.new()
var _state := Label.new()
var _figures := RichTextLabel.new()
var _log := RichTextLabel.new()
var _waited_s := 0.0
var _is_game := false


func _ready() -> void:
	custom_minimum_size = Vector2(220, 260)
	_address.placeholder_text = GenlockClient.SETTINGS["genlock/connection/url"]
	_address.text = ProjectSettings.get_setting("genlock/connection/url", "")
	_address.tooltip_text = "The daemon's address. The project setting genlock/connection/url, until you change it here."
	_connect.text = "Connect"
	_connect.tooltip_text = "Tries the connection from the editor, with the project's token and certificate."
	_connect.pressed.connect(_on_connect_pressed)
	_recording.placeholder_text = "a recording to play (.genlock)"
	_recording.tooltip_text = "Played to the daemon while connected, as if a headset were worn."
	_choose.text = "…"
	_choose.pressed.connect(func() -> void: _files.popup_centered_ratio(0.5))
	_files.file_mode = EditorFileDialog.FILE_MODE_OPEN_FILE
	_files.access = EditorFileDialog.ACCESS_FILESYSTEM
	_files.add_filter("*.genlock", "Recordings of Genlock")
	_files.file_selected.connect(func(path: String) -> void: _recording.text = path)
	_figures.fit_content = true
	_log.scroll_following = true
	_log.size_flags_vertical = Control.SIZE_EXPAND_FILL
	var chosen := HBoxContainer.new()
	_recording.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	chosen.add_child(_recording)
	chosen.add_child(_choose)
	for part: Node in [_address, chosen, _connect, _state, _figures, _log, _files]:
		add_child(part)
	show_figures(GenlockLink.State.OFF, {})


func _exit_tree() -> void:
	_leave()


func _process(delta: float) -> void:
	_waited_s += delta
	if _waited_s < SHOW_S or _client == null:
		return
	_waited_s = 0.0
	var counted := _client.statistics().duplicate()
	counted["target"] = _client.likeliest_target
	show_figures(counted.get("state", GenlockLink.State.OFF) as GenlockLink.State, counted)


## Whether the editor itself is connected or tries to be.
func is_active() -> bool:
	return _client != null


## What the dock shows of the connection, as text.
func shown() -> String:
	return _state.text + "\n" + _figures.get_parsed_text() + "\n" + _log.get_parsed_text()


## Presses the button, as a script may.
func press_connect(url: String, recording := "") -> void:
	_address.text = url
	_recording.text = recording
	_on_connect_pressed()


## Shows what the running game tells; an empty map when it has ended.
func show_game(told: Dictionary) -> void:
	if _client != null:
		return
	if not told:
		_is_game = false
		show_figures(GenlockLink.State.OFF, {})
		return
	if not _is_game:
		_is_game = true
		write("the game runs")
	show_figures(told["state"] as GenlockLink.State, told)
	for line: String in told["log"]:
		write(line)


## Shows the state and the figures of a connection.
func show_figures(state: GenlockLink.State, counted: Dictionary) -> void:
	_state.text = ("game: " if _is_game else "") + (_STATES[state] as String)
	_connect.text = "Disconnect" if _client != null else "Connect"
	_figures.text = (
		(
			"sent        %d frames, %d KiB\nanswered    %d, overtaken %d, dropped %d\nactions     %d\n"
			+ "round trip  %.1f ms, 99 %% within %.1f ms\ntarget      %s"
		)
		% [
			counted.get("frames_sent", 0),
			(counted.get("bytes_sent", 0) as int) >> 10,
			counted.get("frames_answered", 0),
			counted.get("frames_overtaken", 0),
			counted.get("frames_dropped", 0),
			counted.get("actions", 0),
			(counted.get("round_trip_p50_usec", 0) as int) / 1000.0,
			(counted.get("round_trip_p99_usec", 0) as int) / 1000.0,
			counted.get("target", ""),
		]
	)


## Adds a line to the log.
func write(line: String) -> void:
	if _log.get_paragraph_count() > LINES:
		_log.remove_paragraph(0)
	_log.add_text(line + "\n")


func _on_connect_pressed() -> void:
	if _client != null:
		_leave()
		return
	_client = GenlockClient.new()
	_client.url = _address.text
	_client.user = "editor"
	add_child(_client)
	_client.welcomed.connect(_on_welcomed)
	_client.failed.connect(func(code: String, message: String) -> void: write("failed: %s (%s)" % [message, code]))
	_client.notice.connect(
		func(code: String, message: String, _id: String) -> void: write("notice: %s (%s)" % [message, code])
	)
	_client.heard.connect(func(speech: GenlockSpeech) -> void: write("heard: " + speech.text))
	_client.action_performed.connect(func(action: GenlockActionEvent) -> void: write("action: " + action.name))
	_client.reconnecting.connect(func(_attempt: int, wait_s: float) -> void: write("tries again in %.1f s" % wait_s))
	_client.disconnected.connect(_leave)
	_client.connect_to_daemon()


func _on_welcomed(welcome: Dictionary) -> void:
	var models: Array = welcome["models"]
	write(
		(
			"welcomed by version %s, models: %s"
			% [welcome["version"], ", ".join(models.map(func(model: Dictionary) -> String: return model["name"]))]
		)
	)
	if _recording.text and _replay == null:
		_play()


func _play() -> void:
	_replay = GenlockReplay.new()
	_replay.recording = _recording.text
	_replay.scene_played.connect(func(targets: Array[Dictionary]) -> void: _client.show_scene(targets))
	_replay.frame_played.connect(func(frame: GenlockFrame) -> void: _client.send_frame(frame))
	_replay.moves_trackers = false
	add_child(_replay)
	_replay.set_process(true)
	_replay.play()


func _leave() -> void:
	if _client == null:
		return
	var client := _client
	_client = null
	if _replay != null:
		_replay.queue_free()
		_replay = null
	client.disconnect_from_daemon()
	client.queue_free()
	write("disconnected")
	show_figures(GenlockLink.State.OFF, {})
