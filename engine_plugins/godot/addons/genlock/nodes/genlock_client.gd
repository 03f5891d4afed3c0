@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockClient
extends Node
## The connection to a Genlock daemon. The addon makes one as the autoload [code]Genlock[/code].
##
## A [GenlockSession] in the scene opens it and streams what the headset tracks; the app listens to the signals. All of
## them come on the main thread, in order. Nothing here waits for the network.

## The daemon has accepted this client; [member welcome] says what it told.
signal connected
## What the daemon told of itself: its version, models, what it serves, whether it records and learns.
signal welcomed(welcome: Dictionary)
## The session goes on where it was before the connection was lost.
signal resumed
## The connection is lost or there is none yet; the next attempt comes in [param wait_s] seconds.
signal reconnecting(attempt: int, wait_s: float)
## The client no longer tries: after [method disconnect_from_daemon], or after a [signal failed] that trying again would
## not mend.
signal disconnected
## Something went wrong; the message says what and what to do. The codes are those of the protocol's errors, and
## [code]unreachable[/code], [code]url[/code], [code]peer_full[/code], [code]taken_over[/code], [code]protocol[/code],
## [code]microphone[/code], [code]recording[/code], [code]certificate[/code], [code]targets[/code]. A [GenlockRequest]
## may end with [code]not_connected[/code] too.
signal failed(code: String, message: String)
## An action waits for more, such as its target.
signal action_started(action: GenlockActionEvent)
## An action is to be done.
signal action_performed(action: GenlockActionEvent)
## An action that was started ends without being done.
signal action_canceled(action: GenlockActionEvent)
## A gesture was made that one of the app's actions has; that action comes too.
signal gesture(gesture_name: String, device: String, action: GenlockActionEvent)
## Something came into sight that one of the app's actions [member GenlockAction.sees]; that action comes too.
## [param time_us] is when the picture was taken.
signal seen(thing: String, time_us: int, action: GenlockActionEvent)
## The user means another target now, or none (null).
signal target_changed(target: GenlockTarget, probability: float)
## Where head and hands will be: for each answered frame.
signal forecast(poses: GenlockForecastPoses)
## What was heard so far.
signal transcript(text: String, is_final: bool)
## Speech is over and its words are known; after the final [signal transcript] of it.
signal heard(speech: GenlockSpeech)
## Something that the user may want to know; see the protocol's notices. [param id] is of the request that it is about.
signal notice(code: String, message: String, id: String)

const VERSION := "0.1.0"
## The group that targets are in.
const TARGETS := &"genlock_targets"
## Project settings and their defaults.
const SETTINGS := {
	"genlock/connection/url": "ws://127.0.0.1:8765",
	"genlock/connection/token": "",
	"genlock/connection/user": "",
	"genlock/connection/certificate": "",
}
## A target that is meant stays so until another is, or none is more probable than this share of the threshold.
const RELEASE := 0.7
## Pictures that the daemon takes in a second.
const IMAGES_A_SECOND := 15.0
## How long the end of the app waits for the farewell, milliseconds.
const FAREWELL_MS := 300
# What a session is agreed on in its hello; the rest of it is for the daemon's log.
const _AGREED: PackedStringArray = ["app", "user", "token", "streams", "horizons_ms"]

## The address of the daemon. Empty: the environment variable GENLOCK_URL, else the project setting.
var url := ""
## The daemon's secret. Empty: the environment variable GENLOCK_TOKEN, else the project setting.
var token := ""
## Who wears the headset; what is learned belongs to this name. Empty: the project setting, else a name that is made up
## once
## and kept on this device.
var user := ""
## For wss: the certificate of the daemon, or of who signed it, if the system does not know it. Null: the project
## setting.
var certificate: X509Certificate
## What the app can do.
var actions: GenlockActions
## How far ahead poses are forecast, milliseconds; up to 8 of 0 to 250. Empty: no forecast.
var horizons_ms := PackedFloat32Array([50.0, 100.0])
## How many frames a second the app means to send.
var refresh_hz := 90.0
## What the app means to send beside frames: image, audio.
var streams := PackedStringArray()
## How probable a target must be to be meant, 0 to 1.
var target_threshold := 0.5

## What the daemon told of itself at last.
var welcome := {}
## The most probable target's id, and its probability; an empty id: no target.
var likeliest_target := ""
var likeliest_probability := 0.0
## The target that is meant now; null: none, or it has left the scene.
var target: GenlockTarget:
	get:
		return _meant if is_instance_valid(_meant) and _meant.is_inside_tree() else null
## The last forecast; null before the first.
var last_forecast: GenlockForecastPoses

var _link: GenlockLink
# What the link was opened with.
var _address := ""
var _introduced := {}
var _leaving: Array[GenlockLink] = []
var _requests: Dictionary[String, GenlockRequest] = {}
var _count := 0
var _image_task := -1
var _teach_tasks: Array[int] = []
var _next_image_us := 0
var _meant_id := ""
# As it was told; it may be gone since.
var _meant: GenlockTarget
# Whether it was told of this welcome that the daemon hears nothing.
var _told_deaf := false
var _is_reporting := false
var _reported_at := 0
var _report_lines := PackedStringArray()


func _init() -> void:
	process_mode = Node.PROCESS_MODE_ALWAYS
	process_priority = -1000


func _ready() -> void:
	_is_reporting = EngineDebugger.is_active() and not Engine.is_editor_hint()
	if _is_reporting:
		_note_for_editor()


func _process(_delta: float) -> void:
	if _is_reporting:
		_report_to_editor()
	var link := _link
	if link != null:
		for item: Variant in link.take_news():
			if item is Dictionary:
				_take(item as Dictionary)
			else:
				_take_answer(item as GenlockAnswer)
			if _link != link:
				# Who was told has ended the session; the rest is no longer of interest.
				break
	if _leaving:
		_let_go()
	if _image_task >= 0 or _teach_tasks:
		_tidy_tasks()


## A device that slept has lost its connection: the pause before the next attempt would be taken from the time in which
## a session can be resumed.
func _notification(what: int) -> void:
	if what == NOTIFICATION_APPLICATION_RESUMED:
		reconnect_now()


func _let_go() -> void:
	for link: GenlockLink in _leaving.duplicate():
		if link.is_over():
			link.join()
			_leaving.erase(link)


## The engine wants to be asked for each task that has ended.
func _tidy_tasks(wait := false) -> void:
	if _image_task >= 0 and (wait or WorkerThreadPool.is_task_completed(_image_task)):
		WorkerThreadPool.wait_for_task_completion(_image_task)
		_image_task = -1
	for task: int in _teach_tasks.duplicate():
		if wait or WorkerThreadPool.is_task_completed(task):
			WorkerThreadPool.wait_for_task_completion(task)
			_teach_tasks.erase(task)


func _exit_tree() -> void:
	_tidy_tasks(true)
	disconnect_from_daemon()
	var until := Time.get_ticks_msec() + FAREWELL_MS
	for link in _leaving:
		while not link.is_over() and Time.get_ticks_msec() < until:
			OS.delay_msec(1)
		link.abandon()
		link.join()
	_leaving.clear()


## Whether the daemon has accepted this client and the connection holds.
func is_connected_to_daemon() -> bool:
	return _link != null and _link.state() == GenlockLink.State.OPEN


## Whether a connection is open or being tried.
func is_active() -> bool:
	return _link != null


## Begins a session with what the properties say now. Whatever comes of it comes as signals. A session that is there
## already goes on if it was begun with the same address, app, user, token, streams and horizons; else it ends first.
func connect_to_daemon() -> void:
	var address := daemon_url()
	# A copy, which the link's thread reads and nobody changes.
	var introduced := introduction().duplicate(true)
	if _link != null:
		if _link.state() != GenlockLink.State.OFF and address == _address and _is_agreed(introduced):
			return
		disconnect_from_daemon()
	# Who hears that a session has ended may begin another.
	if _link == null:
		_address = address
		_introduced = introduced
		_link = GenlockLink.new()
		_link.open(_address, _introduced, _tls())


## Ends the session.
func disconnect_from_daemon() -> void:
	if _link != null:
		_link.close()
		_end()


## Ends the pause before the next attempt, as when the network is known to be back.
func reconnect_now() -> void:
	if _link != null:
		_link.reconnect_now()


## The clock of all times that are sent: microseconds, monotonic.
func now_us() -> int:
	return Time.get_ticks_usec()


## Counts of frames, bytes and actions, and the median and 99th percentile of the last round trips; see
## [method GenlockLink.statistics].
func statistics() -> Dictionary:
	return _link.statistics() if _link != null else {}


## Sends one sample of tracking. Dropped while there is no connection.
func send_frame(frame: GenlockFrame) -> void:
	if _link != null:
		_link.send(frame)


## Sends what can be looked at, pointed at or named; see the protocol's scene. [GenlockSession] does this by itself.
func show_scene(targets: Array[Dictionary], replace := true, remove := PackedStringArray()) -> GenlockRequest:
	return _request({"type": "scene", "targets": targets, "replace": replace, "remove": remove})


## Says something as the user would. What it means comes as an action with the request's id as
## [member GenlockActionEvent.message_id], or a [signal notice] with it says why nothing came of it.
func say(text: String, language := "") -> GenlockRequest:
	return _request({"type": "utterance", "text": text, "time": now_us(), "language": language})


## Sends part of what the user says: PCM, 16 bit, mono, 16 kHz, up to 200 ms. [GenlockMicrophone] does this by itself.
## Dropped while there is no connection, and where the daemon hears nothing: that is a [signal failed] with
## [code]unsupported[/code], once a [signal welcomed].
func send_audio(time_us: int, pcm: PackedByteArray, is_end := false) -> void:
	if not is_connected_to_daemon():
		return
	if "audio" in (welcome.get("serves", []) as Array):
		_send({"type": "audio", "time": time_us, "pcm": pcm, "end": is_end})
	elif not _told_deaf and welcome:
		_told_deaf = true
		report("unsupported", "The daemon hears no speech, so no sound is sent to it. Start it with a speech model.")


## Sends a camera or eye-buffer picture; false if it was not sent, see [method can_send_image]. It is made smaller, so
## that its longer side has [param longest] pixels, and a JPEG on a worker thread: do not change it meanwhile.
func send_image(picture: Image, time_us: int, quality := 0.8, longest := GenlockPicture.SEEN_PIXELS) -> bool:
	if picture == null or picture.is_empty() or not can_send_image():
		return false
	_next_image_us = now_us() + int(1e6 / IMAGES_A_SECOND)
	var link := _link
	_image_task = WorkerThreadPool.add_task(
		func() -> void: link.send(GenlockPicture.to_message(picture, time_us, quality, longest))
	)
	return true


## Whether a picture would be sent now: the daemon is there and looks at pictures, the one before is on its way, and no
## more come than it takes. Pictures that cannot be sent are of no use later.
func can_send_image() -> bool:
	return (
		is_connected_to_daemon()
		and "image" in (welcome.get("serves", []) as Array)
		and _image_task < 0
		and now_us() >= _next_image_us
	)


## Teaches words for an action. Targets and arguments may be named in them.
func teach_phrase(action: String, phrase: String) -> GenlockRequest:
	return _request({"type": "teach", "kind": "phrase", "name": action, "phrase": phrase})


## Teaches a name for a target.
func teach_name(target_id: String, new_name: String) -> GenlockRequest:
	return _request({"type": "teach", "kind": "name", "name": new_name, "target": target_id})


## Teaches a gesture from one to five examples of it. Each is a [PackedFloat32Array] of moments: seconds from its
## beginning, then a pose of 7 numbers, or for left_hand and right_hand those of 26 joints. [GenlockGestureRecorder]
## makes them.
func teach_gesture(gesture_name: String, device: String, examples: Array[PackedFloat32Array]) -> GenlockRequest:
	var blobs: Array[PackedByteArray] = []
	for example in examples:
		blobs.append(example.to_byte_array())
	return _request({"type": "teach", "kind": "gesture", "name": gesture_name, "device": device, "examples": blobs})


## Teaches what something looks like from one to sixteen pictures of it; [member GenlockAction.sees] may name it.
## They are made small on a worker thread: do not change them meanwhile.
func teach_object(object_name: String, pictures: Array[Image]) -> GenlockRequest:
	var message := {"type": "teach", "kind": "object", "name": object_name}
	var request := _new_request(message)
	if _link == null:
		_refuse(request)
		return request
	_requests[request.id] = request
	var link := _link
	var given := pictures.duplicate()
	var make_and_send := func() -> void:
		message["examples"] = given.map(
			func(picture: Image) -> PackedByteArray:
				return GenlockPicture.small(picture, GenlockPicture.EXAMPLE_PIXELS).save_jpg_to_buffer(0.85)
		)
		link.send(message)
	_teach_tasks.append(WorkerThreadPool.add_task(make_and_send))
	return request


## Tells that the user has selected a target, by whatever means the app has: pointing is learned from this.
func confirm_target(target_id: String) -> GenlockRequest:
	return _feedback({"verdict": "confirm", "target": target_id})


## Tells that an action was right.
func confirm_action(action: GenlockActionEvent) -> GenlockRequest:
	return _feedback({"verdict": "confirm", "n": action.number, "target": action.target_id})


## Tells that an action was wrong, and which one (empty: none) and which target were meant.
func correct_action(action: GenlockActionEvent, meant := "", meant_target_id := "") -> GenlockRequest:
	return _feedback({"verdict": "correct", "n": action.number, "action": meant, "target": meant_target_id})


## Tells what an utterance meant of which nothing, or the wrong thing, came: from now on its words mean that.
func correct_utterance(said: GenlockRequest, meant: String) -> GenlockRequest:
	return _feedback({"verdict": "correct", "of": said.id, "action": meant})


## Tells what was meant by speech of which nothing, or the wrong thing, came: from now on its words mean that.
func correct_speech(speech: GenlockSpeech, meant: String) -> GenlockRequest:
	return _feedback({"verdict": "correct", "of": speech.id, "action": meant})


## Takes back something that was taught or told; null: the last of this session.
func undo(what: GenlockRequest = null) -> GenlockRequest:
	return _feedback({"verdict": "undo", "of": what.id if what != null else ""})


## Asks for everything that was learned of the user; it comes as [member GenlockRequest.data].
func export_profile() -> GenlockRequest:
	return _request({"type": "profile", "operation": "export"})


## Replaces what was learned by what [method export_profile] gave, or one kind of it: forecast, target, gesture, phrase,
## name, object, voice.
func import_profile(data: PackedByteArray, kind := "all") -> GenlockRequest:
	return _request({"type": "profile", "operation": "import", "kind": kind, "data": data})


## Forgets the user: nothing stays, and nothing is learned for the rest of the session.
func erase_profile() -> GenlockRequest:
	return _request({"type": "profile", "operation": "erase"})


## Forgets what was learned, or one kind of it, and goes on learning.
func reset_profile(kind := "all") -> GenlockRequest:
	return _request({"type": "profile", "operation": "reset", "kind": kind})


## Learns nothing more of the user until [method resume_learning].
func pause_learning() -> GenlockRequest:
	return _request({"type": "profile", "operation": "pause_learning"})


## Learns again.
func resume_learning() -> GenlockRequest:
	return _request({"type": "profile", "operation": "resume_learning"})


## The node of a target, null if there is none.
func find_target(target_id: String) -> GenlockTarget:
	if target_id and is_inside_tree():
		for node in get_tree().get_nodes_in_group(TARGETS):
			var found := node as GenlockTarget
			if found != null and found.wire_id() == target_id:
				return found
	return null


## The address that is connected to.
func daemon_url() -> String:
	return _setting(url, "url", "GENLOCK_URL")


## What [code]hello[/code] says.
func introduction() -> Dictionary:
	var interface := XRServer.primary_interface
	var system := interface.get_system_info() if interface != null else {}
	return {
		"app": actions.to_message() if actions != null else {"name": _app_name()},
		"user": _user_name(),
		"token": _setting(token, "token", "GENLOCK_TOKEN"),
		"device":
		{
			"name": str(system.get("OpenXRSystemName", OS.get_model_name())),
			"runtime": _runtime(system, str(interface.get_name()) if interface != null else ""),
			"engine": "Godot " + str(Engine.get_version_info()["string"]),
			"plugin": "genlock-godot " + VERSION,
		},
		"refresh_hz": refresh_hz,
		"streams": PackedStringArray(["frame"]) + streams,
		"horizons_ms": horizons_ms,
	}


## Tells the app that something is wrong, as the addon's own nodes do.
func report(code: String, message: String) -> void:
	push_warning("Genlock: %s (%s)" % [message, code])
	failed.emit(code, message)


## What the editor's dock writes down of a running game.
func _note_for_editor() -> void:
	failed.connect(
		func(code: String, message: String) -> void: _report_lines.append("failed: %s (%s)" % [message, code])
	)
	action_performed.connect(
		func(action: GenlockActionEvent) -> void:
			_report_lines.append("action: %s %s %s" % [action.name, action.target_id, action.arguments])
	)
	heard.connect(func(speech: GenlockSpeech) -> void: _report_lines.append("heard: " + speech.text))
	notice.connect(
		func(code: String, message: String, _id: String) -> void:
			_report_lines.append("notice: %s (%s)" % [message, code])
	)


func _report_to_editor() -> void:
	var now := Time.get_ticks_usec()
	if _link == null or now < _reported_at:
		return
	_reported_at = now + 250_000
	var told := statistics().duplicate()
	told["state"] = _link.state()
	told["target"] = likeliest_target
	told["log"] = _report_lines
	_report_lines = PackedStringArray()
	EngineDebugger.send_message("genlock:report", [told])


func _take(item: Dictionary) -> void:
	match item["what"]:
		"action":
			_take_action(item["action"] as Dictionary)
		"request":
			_take_request(item)
		"welcome":
			welcome = item["welcome"]
			_told_deaf = false
			connected.emit()
			welcomed.emit(welcome)
			if item["resumed"]:
				resumed.emit()
		"notice":
			_take_notice(item["notice"] as Dictionary)
		"transcript":
			_take_transcript(item["transcript"] as Dictionary)
		"failed":
			report(item["code"] as String, item["message"] as String)
		"reconnecting":
			_mean("", 0.0)
			reconnecting.emit(item["attempt"], item["wait_s"])
		"over":
			_end()


func _take_answer(answer: GenlockAnswer) -> void:
	likeliest_target = answer.target
	likeliest_probability = answer.probability
	if likeliest_probability >= target_threshold:
		# A scene that was loaded again brings another node of the same id.
		if likeliest_target != _meant_id or target == null:
			_mean(likeliest_target, likeliest_probability)
	elif _meant_id and likeliest_probability < RELEASE * target_threshold:
		_mean("", likeliest_probability)
	if answer.forecast != null:
		last_forecast = answer.forecast
		if forecast.has_connections():
			forecast.emit(last_forecast)


func _mean(target_id: String, probability: float) -> void:
	var found := find_target(target_id)
	if target_id == _meant_id and (found == null or found == target):
		return
	_meant_id = target_id
	if is_instance_valid(_meant):
		_meant.tell_meant(false, 0.0)
	_meant = found
	if found != null:
		found.tell_meant(true, probability)
	target_changed.emit(found, probability)


func _take_action(told: Dictionary) -> void:
	var action := GenlockActionEvent.new()
	action.number = told["n"]
	action.name = told["name"]
	action.phase = told["phase"]
	action.confidence = told["confidence"]
	action.source = told["source"]
	action.message_id = told["id"]
	action.target_id = told["target"]
	action.target = find_target(action.target_id)
	action.arguments = told["arguments"]
	if action.source == "gesture":
		gesture.emit(str(action.arguments.get("gesture", "")), str(action.arguments.get("device", "")), action)
	elif action.source == "image":
		var taken_us: int = action.arguments.get("time", 0)
		seen.emit(str(action.arguments.get("seen", "")), taken_us, action)
	match action.phase:
		"started":
			action_started.emit(action)
		"performed":
			if action.target != null:
				action.target.tell_performed(action)
			action_performed.emit(action)
		"canceled":
			action_canceled.emit(action)


func _take_notice(told: Dictionary) -> void:
	if told["code"] == "busy":
		_next_image_us = maxi(_next_image_us, now_us() + 1000 * (told["retry_ms"] as int))
	notice.emit(told["code"], told["message"], told["id"])


func _take_transcript(told: Dictionary) -> void:
	transcript.emit(told["text"], told["final"])
	if told["final"]:
		heard.emit(GenlockSpeech.from_message(told))


func _take_request(answer: Dictionary) -> void:
	var id: String = answer["id"]
	if id not in _requests:
		return
	var request := _requests[id]
	_requests.erase(id)
	request.data = answer["data"]
	request.target_id = answer["target_id"]
	request.finish(answer["done"] as bool, answer["code"] as String, answer["message"] as String)


func _request(message: Dictionary) -> GenlockRequest:
	var request := _new_request(message)
	if _link == null:
		_refuse(request)
	else:
		_requests[request.id] = request
		_link.send(message)
	return request


func _new_request(message: Dictionary) -> GenlockRequest:
	var request := GenlockRequest.new()
	_count += 1
	request.id = "%s-%d" % [message["type"], _count]
	message["id"] = request.id
	return request


## Deferred, so that whoever asked can wait for it.
func _refuse(request: GenlockRequest) -> void:
	request.finish.call_deferred(false, "not_connected", "There is no connection to a daemon.")


func _feedback(message: Dictionary) -> GenlockRequest:
	message["type"] = "feedback"
	message["time"] = now_us()
	return _request(message)


func _send(message: Dictionary) -> void:
	if _link != null:
		_link.send(message)


func _end() -> void:
	_leaving.append(_link)
	_link = null
	_mean("", 0.0)
	var unanswered := _requests
	_requests = {}
	for request: GenlockRequest in unanswered.values():
		request.finish(false, "not_connected", "The session ended before the daemon answered.")
	disconnected.emit()


func _is_agreed(introduced: Dictionary) -> bool:
	for key in _AGREED:
		if introduced[key] != _introduced.get(key):
			return false
	return true


func _tls() -> TLSOptions:
	var trusted := certificate
	var path: String = ProjectSettings.get_setting("genlock/connection/certificate", "")
	if trusted == null and path:
		trusted = X509Certificate.new()
		if trusted.load(path):
			report("certificate", "The certificate %s cannot be read." % path)
			trusted = null
	return TLSOptions.client(trusted) if trusted != null else null


func _user_name() -> String:
	var named := _setting(user, "user", "GENLOCK_USER")
	if named:
		return named
	var kept := ConfigFile.new()
	kept.load("user://genlock.cfg")
	named = kept.get_value("user", "name", "")
	if not named:
		named = "user-" + Crypto.new().generate_random_bytes(8).hex_encode()
		kept.set_value("user", "name", named)
		kept.save("user://genlock.cfg")
	return named


## The runtime with its version, or what else the engine shows itself by.
static func _runtime(system: Dictionary, interface_name: String) -> String:
	var told := "%s %s" % [system.get("XRRuntimeName", ""), system.get("XRRuntimeVersion", "")]
	return told.strip_edges() if told.strip_edges() else interface_name


static func _setting(own: String, key: String, variable: String) -> String:
	if own:
		return own
	var from_environment := OS.get_environment(variable)
	if from_environment:
		return from_environment
	var path := "genlock/connection/" + key
	return ProjectSettings.get_setting(path, SETTINGS[path])


static func _app_name() -> String:
	var project_name: String = ProjectSettings.get_setting("application/config/name", "")
	return project_name if project_name else "godot"
