extends Node
## A headset in a test's hands: does what lines of JSON on the standard input say, and prints each signal of the addon.

var _client: GenlockClient
var _origin := XROrigin3D.new()
var _session := GenlockSession.new()
var _replay := GenlockReplay.new()
var _orders: Array[Dictionary] = []
var _reading := Thread.new()
var _mutex := Mutex.new()
var _requests: Dictionary[String, GenlockRequest] = {}
var _last_speech: GenlockSpeech
var _last_action: GenlockActionEvent
var _frames := 0
var _awaited_frames := 0
var _microphone: GenlockMicrophone
var _pieces := 0
var _answers := 0


func _ready() -> void:
	Engine.max_fps = 90
	_client = get_node("/root/Genlock")
	_origin.add_child(XRCamera3D.new())
	_session.connect_at_start = false
	_replay.play_at_start = false
	_origin.add_child(_session)
	add_child(_origin)
	add_child(_replay)
	_listen()
	_reading.start(_read)
	_tell("ready", {})


func _process(_delta: float) -> void:
	_mutex.lock()
	var orders := _orders
	_orders = []
	_mutex.unlock()
	for order in orders:
		_obey(order)


func _listen() -> void:
	_client.connected.connect(_tell.bind("connected", {}))
	_client.welcomed.connect(func(welcome: Dictionary) -> void: _tell("welcomed", _of_welcome(welcome)))
	_client.resumed.connect(_tell.bind("resumed", {}))
	_client.disconnected.connect(_tell.bind("disconnected", {}))
	_client.reconnecting.connect(
		func(attempt: int, wait_s: float) -> void: _tell("reconnecting", {"attempt": attempt, "wait_s": wait_s})
	)
	_client.failed.connect(
		func(code: String, message: String) -> void: _tell("failed", {"code": code, "message": message})
	)
	_client.action_started.connect(_tell_action.bind("action_started"))
	_client.action_performed.connect(_tell_action.bind("action_performed"))
	_client.action_canceled.connect(_tell_action.bind("action_canceled"))
	_client.gesture.connect(
		func(gesture_name: String, device: String, action: GenlockActionEvent) -> void:
			_tell("gesture", {"gesture": gesture_name, "device": device, "action": action.name})
	)
	_client.target_changed.connect(
		func(target: GenlockTarget, probability: float) -> void:
			_tell("target_changed", {"target": target.wire_id() if target != null else "", "probability": probability})
	)
	_client.forecast.connect(_on_forecast)
	_client.transcript.connect(
		func(text: String, is_final: bool) -> void: _tell("transcript", {"text": text, "final": is_final})
	)
	_client.heard.connect(_on_heard)
	_client.seen.connect(
		func(thing: String, time_us: int, action: GenlockActionEvent) -> void:
			_tell("seen", {"thing": thing, "time": time_us, "action": action.name})
	)
	_client.notice.connect(
		func(code: String, message: String, id: String) -> void:
			_tell("notice", {"code": code, "message": message, "id": id})
	)
	_session.frame_sent.connect(_on_frame_sent)


func _read() -> void:
	while true:
		var line := OS.read_string_from_stdin(1 << 20)
		if not line:
			return
		for part in line.split("\n", false):
			var order: Dictionary = JSON.parse_string(part)
			_mutex.lock()
			_orders.append(order)
			_mutex.unlock()
			if order["do"] == "quit":
				return


func _obey(order: Dictionary) -> void:
	match order["do"]:
		"set":
			for property: String in order["values"]:
				_client.set(property, order["values"][property])
		"trust":
			_client.certificate = X509Certificate.new()
			_client.certificate.load(order["path"] as String)
		"app":
			_client.actions = _app(order["app"] as Dictionary)
			_tell("problems", {"problems": Array(_client.actions.problems())})
		"targets":
			for target: Dictionary in order["targets"]:
				_place(target)
		"connect":
			_client.connect_to_daemon()
		"disconnect":
			_client.disconnect_from_daemon()
		"scene":
			_change_scene(order["app"] as Dictionary)
		"when_failed":
			_client.failed.connect(_on_failed.bind(order.get("values", {})), CONNECT_ONE_SHOT)
		"reconnect_now":
			_client.reconnect_now()
		"halt":
			_session.set_process(false)
		"replay":
			_replay.recording = order["path"]
			_replay.start_s = order.get("start_s", 0.0)
			_replay.play()
		"stop_replay":
			_replay.stop()
		"ask":
			_ask(order)
		"connect_as":
			# What the link says is set before its thread runs.
			var link := GenlockLink.new()
			link._talk.version = order["version"]
			link.open(_client.daemon_url(), _client.introduction())
			_client._link = link
		"large_image":
			_send_large(order["bytes"] as int)
		"microphone":
			_start_microphone(order.get("path", "") as String)
		"release":
			_microphone.release()
			_tell("released", {"time": _client.now_us()})
		"image":
			var size: Array = order["size"]
			_tell("image", {"sent": _session.send_image(_stripes(int(size[0] as float), int(size[1] as float)))})
		"send_images":
			_client.streams.append("image")
		"tell_at_frames":
			_awaited_frames = maxi(_frames + 1, order["frames"] as int)
		"count":
			var counted := _client.statistics().duplicate()
			counted.merge(
				{
					"now": _client.now_us(),
					"session_frames": _frames,
					"forecasts": _answers,
					"played": _replay.frames_played
				}
			)
			_tell("count", counted)
		"quit":
			_reading.wait_to_finish()
			_quit()


func _quit() -> void:
	if _microphone != null:
		_microphone.queue_free()
		# The engine lets go of a sound that was played some mixes later.
		for frame in 60:
			await get_tree().process_frame
	get_tree().quit()


## What a change of scenes does: the session goes with its scene, another one comes.
func _change_scene(app: Dictionary) -> void:
	_session.free()
	_session = GenlockSession.new()
	_session.actions = _app(app)
	_session.frame_sent.connect(_on_frame_sent)
	_origin.add_child(_session)


## Leaves, or connects again with what was wrong before.
func _on_failed(_code: String, _message: String, values: Dictionary) -> void:
	if not values:
		_client.disconnect_from_daemon()
		return
	for property: String in values:
		_client.set(property, values[property])
	_client.connect_to_daemon()


func _ask(order: Dictionary) -> void:
	var arguments: Array = order.get("arguments", []).map(_argument)
	var request: GenlockRequest = _client.callv(order["method"] as String, arguments)
	_requests[request.id] = request
	_tell("asked", {"id": request.id})
	request.finished.connect(
		func(done: bool) -> void:
			_tell(
				"finished",
				{
					"id": request.id,
					"done": done,
					"code": request.code,
					"message": request.message,
					"bytes": request.data.size()
				}
			)
	)


## What is not written down as a value is something of an earlier request, or the last action.
func _argument(written: Variant) -> Variant:
	if written is Dictionary:
		var told: Dictionary = written
		if "request" in told:
			return _requests[told["request"] as String]
		if "data_of" in told:
			return _requests[told["data_of"] as String].data
		if "last_action" in told:
			return _last_action
		if "speech" in told:
			return _last_speech
		if "pictures" in told:
			var pictures: Array[Image] = []
			for size: Array in told["pictures"]:
				pictures.append(_stripes(int(size[0] as float), int(size[1] as float)))
			return pictures
		if "examples" in told:
			return _examples(told["examples"] as Array)
	return Checks.typed(written)


func _examples(written: Array) -> Array[PackedFloat32Array]:
	var examples: Array[PackedFloat32Array] = []
	for example: Array in written:
		examples.append(PackedFloat32Array(example))
	return examples


func _place(target: Dictionary) -> void:
	var node := Node3D.new()
	node.position = Vector3(
		target["position"][0] as float, target["position"][1] as float, target["position"][2] as float
	)
	var marked := GenlockTarget.new()
	marked.id = target["id"]
	marked.spoken_name = target.get("name", "")
	var size: Array = target.get("size", [0.1, 0.1, 0.1])
	marked.size = Vector3(size[0] as float, size[1] as float, size[2] as float)
	node.add_child(marked)
	add_child(node)


func _app(told: Dictionary) -> GenlockActions:
	var app := GenlockActions.new()
	app.app_name = told["name"]
	app.ignore_bystanders = told.get("bystanders", "heard") == "ignored"
	for each: Dictionary in told.get("objects", []):
		var thing := GenlockObject.new()
		thing.name = each["name"]
		for size: Array in each["pictures"]:
			var picture := _stripes(int(size[0] as float), int(size[1] as float))
			thing.pictures.append(ImageTexture.create_from_image(picture))
		app.objects.append(thing)
	for each: Dictionary in told.get("actions", []):
		var action := GenlockAction.new()
		action.name = each["name"]
		action.phrases = PackedStringArray(each.get("phrases", []) as Array)
		action.gestures = PackedStringArray(each.get("gestures", []) as Array)
		action.sees = PackedStringArray(each.get("sees", []) as Array)
		action.target = GenlockAction.Aim.get((each.get("target", "none") as String).to_upper())
		for one: Dictionary in each.get("arguments", []):
			var argument := GenlockArgument.new()
			argument.name = one["name"]
			argument.values = PackedStringArray(one.get("values", []) as Array)
			argument.kind = GenlockArgument.Kind.get((one.get("kind", "choice") as String).to_upper())
			for value: String in one.get("synonyms", {}):
				argument.synonyms[value] = PackedStringArray(one["synonyms"][value] as Array)
			argument.minimum = one.get("minimum", -1e9)
			argument.maximum = one.get("maximum", 1e9)
			argument.default = str(one.get("default", ""))
			argument.required = one.get("required", false)
			action.arguments.append(argument)
		app.actions.append(action)
	return app


func _on_heard(speech: GenlockSpeech) -> void:
	_last_speech = speech
	_tell(
		"heard",
		{
			"id": speech.id,
			"text": speech.text,
			"words": Array(speech.words),
			"begins": Array(speech.begins_us),
			"ends": Array(speech.ends_us),
			"speaker": speech.speaker,
		}
	)


func _on_frame_sent(_frame: GenlockFrame) -> void:
	_frames += 1
	if _frames == _awaited_frames:
		_tell("frames", {"frames": _frames})


func _on_piece_sent(_time_us: int, _pcm: PackedByteArray, _is_end: bool) -> void:
	_pieces += 1
	if _pieces == 5:
		_tell("pieces", {})


func _on_forecast(poses: GenlockForecastPoses) -> void:
	_answers += 1
	if _answers == 1:
		var head := poses.pose(GenlockForecastPoses.Device.HEAD, 0).origin
		_tell("forecast", {"devices": poses.devices, "x": head.x, "y": head.y, "z": head.z})


func _tell_action(action: GenlockActionEvent, what: String) -> void:
	_last_action = action
	_tell(
		what,
		{
			"number": action.number,
			"name": action.name,
			"source": action.source,
			"id": action.message_id,
			"target": action.target_id,
			"node": action.target != null,
			"arguments": action.arguments,
		}
	)


## Half red, half blue, and see-through, as a picture of a viewport may be.
func _stripes(width: int, height: int) -> Image:
	var picture := Image.create(width, height, false, Image.FORMAT_RGBA8)
	picture.fill(Color(1, 0, 0, 0.5))
	picture.fill_rect(Rect2i(0, 0, floori(width / 2.0), height), Color.BLUE)
	return picture


## A WAV file of 16 bit, mono, 16 kHz.
func _speech(path: String) -> AudioStreamWAV:
	var speech := AudioStreamWAV.new()
	speech.format = AudioStreamWAV.FORMAT_16_BITS
	speech.mix_rate = 16_000
	speech.data = FileAccess.get_file_as_bytes(path).slice(44)
	return speech


## A tone of 440 Hz and half the greatest loudness in place of a voice.
func _tone() -> AudioStreamWAV:
	var tone := AudioStreamWAV.new()
	tone.format = AudioStreamWAV.FORMAT_16_BITS
	tone.mix_rate = 44_100
	tone.loop_mode = AudioStreamWAV.LOOP_FORWARD
	tone.loop_end = 44_100
	var samples := PackedByteArray()
	samples.resize(2 * 44_100)
	for index in 44_100:
		samples.encode_s16(2 * index, roundi(16_384 * sin(TAU * 440.0 * index / 44_100)))
	tone.data = samples
	return tone


## Streams what is played to it in place of a microphone.
func _start_microphone(path: String) -> void:
	_microphone = GenlockMicrophone.new()
	_microphone.source = _speech(path) if path else _tone()
	_pieces = 0
	_microphone.piece_sent.connect(_on_piece_sent)
	_tell("microphone", {"time": _client.now_us()})
	add_child(_microphone)
	_microphone.press()


## More than the daemon takes, past what keeps the client from sending it.
func _send_large(bytes: int) -> void:
	var data := PackedByteArray()
	data.resize(bytes)
	_client._link._talk._limits["large_message_bytes"] = 2 * bytes
	_client._send({"type": "image", "time": 1, "format": "jpeg", "width": 1, "height": 1, "data": data})


func _tell(what: String, content: Dictionary) -> void:
	content["what"] = what
	print("EVENT ", JSON.stringify(content))


func _of_welcome(welcome: Dictionary) -> Dictionary:
	return {"session": welcome["session"], "restored": welcome["restored"]}
