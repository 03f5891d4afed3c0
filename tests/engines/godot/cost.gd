extends Node
## What the addon costs: on the main thread a frame, encoding and decoding a full frame, and round trips beside those of
## a WebSocket with nothing else on it, each on a thread of its own.

const FRAMES := 1800
const ROUNDS := 2000

var _client: GenlockClient
var _session := GenlockSession.new()
var _captures := PackedInt32Array()
var _emits := PackedInt32Array()
var _hands: Array[XRHandTracker] = []
var _head := XRPositionalTracker.new()
var _controllers: Array[XRControllerTracker] = []
var _echoes := PackedInt32Array()
var _echoing := Thread.new()
var _is_over := false


func _ready() -> void:
	Engine.max_fps = 90
	_client = get_node("/root/Genlock")
	var origin := XROrigin3D.new()
	origin.add_child(XRCamera3D.new())
	_session.connect_at_start = false
	origin.add_child(_session)
	add_child(origin)
	_session.set_process(false)
	_client.set_process(false)
	_track()
	_codec()
	_echoing.start(_echo.bind(OS.get_environment("ECHO")))
	_client.url = OS.get_environment("DAEMON")
	_client.connect_to_daemon()


func _process(delta: float) -> void:
	_move()
	var begun := Time.get_ticks_usec()
	_client._process(delta)
	var answered := Time.get_ticks_usec()
	_session._process(delta)
	var done := Time.get_ticks_usec()
	if _client.is_connected_to_daemon():
		_emits.append(answered - begun)
		_captures.append(done - answered)
	if _captures.size() == FRAMES:
		_report()


func _track() -> void:
	_head.type = XRServer.TRACKER_HEAD
	_head.name = &"head"
	XRServer.add_tracker(_head)
	for side in 2:
		var controller := XRControllerTracker.new()
		controller.name = [&"left_hand", &"right_hand"][side]
		XRServer.add_tracker(controller)
		controller.set_input(&"primary", Vector2(0.1, 0.2))
		for input: StringName in [&"trigger", &"grip"]:
			controller.set_input(input, 0.5)
		for input: StringName in [&"primary_click", &"ax_button", &"by_button", &"menu_button"]:
			controller.set_input(input, false)
		_controllers.append(controller)
		var hand := XRHandTracker.new()
		hand.name = [&"/user/hand_tracker/left", &"/user/hand_tracker/right"][side]
		hand.has_tracking_data = true
		XRServer.add_tracker(hand)
		_hands.append(hand)
	_move()


func _move() -> void:
	var x := sin(Time.get_ticks_usec() / 1e6)
	var pose := Transform3D(Basis(Vector3.UP, x), Vector3(x, 1.6, 0))
	_head.set_pose(&"default", pose, Vector3.ZERO, Vector3.ZERO, XRPose.XR_TRACKING_CONFIDENCE_HIGH)
	for controller in _controllers:
		for pose_name: StringName in [&"aim", &"grip"]:
			controller.set_pose(pose_name, pose, Vector3.ZERO, Vector3.ZERO, XRPose.XR_TRACKING_CONFIDENCE_HIGH)
	for hand in _hands:
		for joint in GenlockFrame.JOINTS:
			hand.set_hand_joint_transform(joint as XRHandTracker.HandJoint, pose)


func _codec() -> void:
	var wire := GenlockWire.new()
	var frame := _session.capture()
	var laid := PackedByteArray()
	var begun := Time.get_ticks_usec()
	for turn in ROUNDS:
		laid = wire.lay_frame(turn, 1_000_000, frame.parts, frame.blob())
	var encoded := Time.get_ticks_usec()
	for turn in ROUNDS:
		wire.read(laid)
	var decoded := Time.get_ticks_usec()
	_tell("frame_bytes", [laid.size()])
	_tell("encode_usec", [(encoded - begun) / float(ROUNDS)])
	_tell("decode_usec", [(decoded - encoded) / float(ROUNDS)])


## Sends as many bytes as a frame has, as often as frames are sent, and waits for them to come back.
func _echo(url: String) -> void:
	var peer := WebSocketPeer.new()
	peer.connect_to_url(url)
	var message := PackedByteArray()
	message.resize(1700)
	var next := 0
	var sent := 0
	while not _is_over:
		peer.poll()
		var now := Time.get_ticks_usec()
		while peer.get_available_packet_count():
			peer.get_packet()
			_echoes.append(now - sent)
		if peer.get_ready_state() == WebSocketPeer.STATE_OPEN and now >= next:
			peer.send(message)
			sent = now
			next = now + 11_111
		OS.delay_usec(GenlockLink.POLL_USEC)


func _report() -> void:
	_is_over = true
	_echoing.wait_to_finish()
	_tell("capture_usec", _spread(_captures))
	_tell("signals_usec", _spread(_emits))
	_tell("round_trip_usec", [_client.statistics()["round_trip_p50_usec"], _client.statistics()["round_trip_p99_usec"]])
	_tell("echo_usec", _spread(_echoes))
	get_tree().quit()


func _spread(times: PackedInt32Array) -> Array:
	times.sort()
	return [times[int(times.size() * 0.5)], times[int(times.size() * 0.99)]]


func _tell(what: String, figures: Array) -> void:
	print("RESULT ", JSON.stringify([what, figures]))
