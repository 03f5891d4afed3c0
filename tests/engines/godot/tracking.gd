extends Checks
## Frames from what the engine tracks, forecasts from what the daemon answers: against numbers that were worked out by
## hand, against the vectors, and against what a replay shows.

## Single precision over a few operations.
const CLOSE := 2e-6


func _initialize() -> void:
	var cases: Dictionary = given("CASES")
	_joints(cases["spaces"] as Dictionary)
	_left_out()
	_recorded_gestures()
	for vector: Dictionary in cases["vectors"] as Array:
		var message: Dictionary = typed(vector["meaning"])
		if message["type"] == "frame" and vector["decoded"] != null:
			_frame(vector, message)
		elif message["type"] == "actions":
			_forecast(vector, message)
	_replayed.call_deferred(cases["recording"] as String)


func close(actual: PackedFloat32Array, expected: Array, what: String) -> void:
	same(actual.size(), expected.size(), what + ": how many")
	for index in mini(actual.size(), expected.size()):
		var off := absf(actual[index] - (expected[index] as float))
		if off > CLOSE:
			holds(false, "%s: number %d is %f, not %f" % [what, index, actual[index], expected[index]])
			return
	holds(true, what)


func _joints(spaces: Dictionary) -> void:
	for case: Dictionary in spaces["godot_joint"]:
		var tracker := XRHandTracker.new()
		for joint in GenlockFrame.JOINTS:
			tracker.set_hand_joint_transform(joint as XRHandTracker.HandJoint, _transform(case["godot"] as Array))
		var joints: Array[Transform3D] = []
		for joint in GenlockFrame.JOINTS:
			joints.append(tracker.get_hand_joint_transform(joint as XRHandTracker.HandJoint))
		var frame := GenlockFrame.new(1)
		frame.add_hand(GenlockFrame.Part.LEFT_HAND, joints)
		var numbers := frame.blob().to_float32_array()
		same(numbers.size(), 7 * GenlockFrame.JOINTS, "26 joints")
		_same_pose(numbers.slice(7 * 25), case["openxr"] as Array, case["name"] as String)
	for case: Dictionary in spaces["godot"]:
		var frame := GenlockFrame.new(1)
		frame.add_pose(GenlockFrame.Part.HEAD, _transform(case["godot"] as Array))
		_same_pose(frame.blob().to_float32_array(), case["openxr"] as Array, case["name"] as String)


## Each moment of an example is what goes over the wire of that part.
func _recorded_gestures() -> void:
	var frame := GenlockFrame.new(1_000_000)
	var joints: Array[Transform3D] = []
	for joint in GenlockFrame.JOINTS:
		joints.append(Transform3D(Basis(Vector3.UP, 0.1 * joint), Vector3(0.01 * joint, 1, 0)))
	frame.add_pose(GenlockFrame.Part.HEAD, Transform3D(Basis(), Vector3(0, 1.6, 0)))
	frame.add_hand(GenlockFrame.Part.RIGHT_HAND, joints)
	var later := GenlockFrame.new(1_500_000)
	later.add_hand(GenlockFrame.Part.RIGHT_HAND, joints)
	var broken := GenlockFrame.new(1_600_000)
	joints[5].origin.x = NAN
	broken.add_hand(GenlockFrame.Part.RIGHT_HAND, joints)
	var session := GenlockSession.new()
	var wanted := {
		"right_hand": Array(frame.blob().to_float32_array().slice(7)), "head": [0.0, 1.6, 0.0, 0.0, 0.0, 0.0, 1.0]
	}
	for device: String in wanted:
		var recorder := GenlockGestureRecorder.new(session, device)
		recorder.start()
		for each: GenlockFrame in [frame, later, broken]:
			session.frame_sent.emit(each)
		var moments := [0.0] + (wanted[device] as Array)
		if device == "right_hand":
			moments += [0.5] + (wanted[device] as Array)
		close(recorder.stop(), moments, "an example of " + device)
	session.free()


func _left_out() -> void:
	var frame := GenlockFrame.new(1)
	frame.add_pose(GenlockFrame.Part.HEAD, Transform3D(Basis(), Vector3(NAN, 0, 0)))
	frame.add_pose(GenlockFrame.Part.GAZE, Transform3D(Basis(), Vector3(0, 20_000, 0)))
	frame.add_pose(GenlockFrame.Part.LEFT_AIM, Transform3D(Basis.from_scale(Vector3.ZERO), Vector3.ZERO))
	var joints: Array[Transform3D] = []
	joints.resize(GenlockFrame.JOINTS)
	joints[3].origin.z = INF
	frame.add_hand(GenlockFrame.Part.LEFT_HAND, joints)
	same(frame.blob(), PackedByteArray(), "what is not finite, too far or flat is left out")
	same(frame.parts, 0, "and a frame of nothing has no parts")
	var sound: Array[Transform3D] = []
	sound.resize(GenlockFrame.JOINTS)
	frame = GenlockFrame.new(1)
	frame.add_hand(GenlockFrame.Part.LEFT_HAND, joints)
	frame.add_hand(GenlockFrame.Part.RIGHT_HAND, sound)
	same(frame.blob().size(), 4 * 7 * GenlockFrame.JOINTS, "the other hand stays")
	same(frame.parts, GenlockFrame.Part.RIGHT_HAND, "alone")
	frame = GenlockFrame.new(1)
	frame.add_pose(GenlockFrame.Part.HEAD, Transform3D(Basis.from_scale(Vector3(2, 2, 2)), Vector3.ONE))
	close(
		frame.blob().to_float32_array(), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0], "a scaled node's pose is of unit length"
	)


func _frame(vector: Dictionary, message: Dictionary) -> void:
	var decoded: Dictionary = vector["decoded"]["d"]
	var frame := GenlockFrame.new(message["t"] as int)
	var expected := []
	for part: String in GenlockFrame.Part:
		var bit: GenlockFrame.Part = GenlockFrame.Part[part]
		if not (message["m"] as int) & bit:
			continue
		var numbers: Array = decoded[part.to_lower()]
		if part.ends_with("BUTTONS"):
			frame.add_buttons(bit, PackedFloat32Array(numbers))
			expected.append_array(numbers)
		elif part.ends_with("HAND"):
			var joints: Array[Transform3D] = []
			for joint: Array in numbers:
				var pose := _transform(joint)
				pose.basis = pose.basis * Basis(GenlockFrame.JOINT_TURN.inverse())
				joints.append(pose)
				expected.append_array(joint)
			frame.add_hand(bit, joints)
		else:
			frame.add_pose(bit, _transform(numbers))
			expected.append_array(numbers)
	same(frame.parts, message["m"], vector["path"] + ": parts")
	_same_poses(frame.blob().to_float32_array(), expected, message["m"] as int, vector["path"] as String)
	same(
		GenlockFrame.recorded(1, message["m"] as int, message["d"] as PackedByteArray).blob(), message["d"], "recorded"
	)


func _forecast(vector: Dictionary, message: Dictionary) -> void:
	var decoded: Dictionary = vector["decoded"]["f"]
	var horizons := 0
	for device: String in decoded:
		horizons = (decoded[device] as Array).size()
	var ahead := PackedFloat32Array()
	ahead.resize(horizons)
	var poses := GenlockForecastPoses.new(
		message["t"] as int, message["m"] as int, ahead, (message["f"] as PackedByteArray).to_float32_array()
	)
	for device: String in decoded:
		var bit: GenlockForecastPoses.Device = GenlockForecastPoses.Device[device.to_upper()]
		holds(poses.has(bit), vector["path"] + ": " + device)
		for horizon in horizons:
			var pose := poses.pose(bit, horizon)
			var turn := pose.basis.get_rotation_quaternion()
			var numbers := PackedFloat32Array(
				[pose.origin.x, pose.origin.y, pose.origin.z, turn.x, turn.y, turn.z, turn.w]
			)
			_same_pose(numbers, decoded[device][horizon] as Array, vector["path"] as String)


## A session sends what a replay shows, number for number but for the last bits.
func _replayed(path: String) -> void:
	var content := GenlockReplay.read(path)
	var entries: Array = content["entries"]
	same(content["header"]["hello"]["user"], "u15", "the recording's header")
	var client: GenlockClient = root.get_node("Genlock")
	var origin := XROrigin3D.new()
	var session := GenlockSession.new()
	var replay := GenlockReplay.new()
	origin.add_child(XRCamera3D.new())
	origin.add_child(session)
	session.connect_at_start = false
	replay.play_at_start = false
	root.add_child(origin)
	root.add_child(replay)
	session.client = client
	var compared := 0
	var kept: Array[GenlockFrame] = []
	for entry: Dictionary in entries:
		var message: Dictionary = entry.get("message", {})
		if message.get("type", "") != "frame":
			continue
		replay._show(message)
		var frame := session.capture()
		if kept.size() < 20:
			kept.append(frame)
		# The recorded buttons of one hand only; the engine's tracker of the other has its own zeros.
		_same_shown(frame, message)
		compared += 1
		if compared == 500:
			break
	same(compared, 500, "frames compared")
	for index in range(1, kept.size()):
		holds(kept[index].time_us > kept[index - 1].time_us, "a frame that is kept is not filled again")
	replay.stop()
	_trackers_come_and_go(session)
	_hands_come_later(replay)
	_no_headset_no_flood(session)
	_a_driven_node_keeps_its_scale(session)
	replay.queue_free()
	origin.queue_free()
	finish()


func _trackers_come_and_go(session: GenlockSession) -> void:
	same(_captured(session).parts, GenlockFrame.Part.HEAD, "only the camera is left")
	var first := XRControllerTracker.new()
	first.name = &"left_hand"
	XRServer.add_tracker(first)
	same(
		_captured(session).parts, GenlockFrame.Part.HEAD | GenlockFrame.Part.LEFT_BUTTONS, "a controller without a pose"
	)
	_set_pose(first, &"default", 1.0)
	same(_captured(session).pose_of(GenlockFrame.Part.LEFT_AIM).origin.x, 1.0, "its default pose")
	_set_pose(first, &"aim", 2.0)
	same(_captured(session).pose_of(GenlockFrame.Part.LEFT_AIM).origin.x, 2.0, "its aim, once there is one")
	_set_pose(first, &"aim", 3.0)
	same(_captured(session).pose_of(GenlockFrame.Part.LEFT_AIM).origin.x, 3.0, "as it moves")
	first.set_input(&"trigger", 0.25)
	first.set_input(&"primary", Vector2(0.5, -0.5))
	first.set_input(&"ax_button", true)
	var numbers := _captured(session).blob().to_float32_array()
	close(numbers.slice(14), [0.25, 0.0, 0.5, -0.5, 0.0, 1.0, 0.0, 0.0], "its buttons")
	first.invalidate_pose(&"aim")
	same(_captured(session).parts & GenlockFrame.Part.LEFT_AIM, 0, "out of sight")
	var second := XRControllerTracker.new()
	second.name = &"left_hand"
	_set_pose(second, &"aim", 4.0)
	XRServer.add_tracker(second)
	same(_captured(session).pose_of(GenlockFrame.Part.LEFT_AIM).origin.x, 4.0, "another in its place")
	XRServer.remove_tracker(second)
	same(_captured(session).parts, GenlockFrame.Part.HEAD, "gone")


func _hands_come_later(replay: GenlockReplay) -> void:
	var pose := PackedFloat32Array([0, 1, 0, 0, 0, 0, 1])
	var joints := pose.duplicate()
	for joint in GenlockFrame.JOINTS:
		joints.append_array(pose)
	replay._show({"m": GenlockFrame.Part.HEAD, "d": pose.to_byte_array()})
	holds(XRServer.get_tracker(&"/user/hand_tracker/right") == null, "no hand yet")
	var parts := GenlockFrame.Part.HEAD | GenlockFrame.Part.RIGHT_HAND
	replay._show({"m": parts, "d": joints.to_byte_array()})
	holds(XRServer.get_tracker(&"/user/hand_tracker/right") != null, "a hand that comes later")
	holds(XRServer.get_tracker(&"/user/hand_tracker/left") == null, "the other is not there")
	replay.stop()
	holds(XRServer.get_tracker(&"/user/hand_tracker/right") == null, "gone at the end")


## A client that is there, and only counts.
class Counter:
	extends GenlockClient
	var frames := 0

	func is_active() -> bool:
		return true

	func send_frame(_frame: GenlockFrame) -> void:
		frames += 1


func _no_headset_no_flood(session: GenlockSession) -> void:
	var counter := Counter.new()
	var before := session.client
	session.client = counter
	var began := Time.get_ticks_usec()
	var calls := 0
	while Time.get_ticks_usec() - began < 300_000:
		session._process(0.0)
		calls += 1
	var most := (Time.get_ticks_usec() - began) * counter.refresh_hz / 1e6 + GenlockSession.FRAMES_AHEAD + 1
	holds(calls > 10 * most, "it was asked more often")
	holds(counter.frames > 5, "frames are sent")
	holds(counter.frames <= most, "%d frames, no more than hello said" % counter.frames)
	session.client = before
	counter.free()


func _a_driven_node_keeps_its_scale(session: GenlockSession) -> void:
	var stand := Node3D.new()
	stand.rotation.y = 0.5
	stand.position.x = 2.0
	var ghost := Node3D.new()
	ghost.scale = Vector3(0.5, 2.0, 0.5)
	var forecast := GenlockForecast.new()
	ghost.add_child(forecast)
	stand.add_child(ghost)
	session.add_child(stand)
	forecast._driven = ghost
	var pose := Transform3D(Basis(Vector3.UP, 1.0), Vector3(1, 2, 3))
	for frame in 3:
		forecast._place(pose)
	holds(ghost.scale.is_equal_approx(Vector3(0.5, 2.0, 0.5)), "its scale: %s" % ghost.scale)
	holds(ghost.global_transform.orthonormalized().is_equal_approx(pose), "its pose: %s" % ghost.global_transform)
	stand.free()


func _captured(session: GenlockSession) -> GenlockFrame:
	# Frames are of different microseconds.
	OS.delay_usec(10)
	return session.capture()


func _set_pose(tracker: XRPositionalTracker, pose_name: StringName, x: float) -> void:
	var pose := Transform3D(Basis(), Vector3(x, 0, 0))
	tracker.set_pose(pose_name, pose, Vector3.ZERO, Vector3.ZERO, XRPose.XR_TRACKING_CONFIDENCE_HIGH)


func _same_shown(frame: GenlockFrame, message: Dictionary) -> void:
	var parts: int = message["m"]
	var poses := GenlockFrame.Part.LEFT_BUTTONS - 1
	same(frame.parts & poses, parts & poses, "the parts that are shown")
	var numbers := (message["d"] as PackedByteArray).to_float32_array()
	var at := 0
	for bit: int in [1, 2, 4, 8, 16, 32]:
		if parts & bit and frame.parts & bit:
			var pose := frame.pose_of(bit as GenlockFrame.Part)
			var turn := pose.basis.get_rotation_quaternion()
			var shown := PackedFloat32Array(
				[pose.origin.x, pose.origin.y, pose.origin.z, turn.x, turn.y, turn.z, turn.w]
			)
			_same_pose(shown, Array(numbers.slice(at, at + 7)), "part %d" % bit)
		at += 7 if parts & bit else 0


func _same_poses(actual: PackedFloat32Array, expected: Array, parts: int, what: String) -> void:
	same(actual.size(), expected.size(), what + ": how many numbers")
	var at := 0
	for bit in 10:
		if not parts & (1 << bit):
			continue
		var is_buttons := bit in [6, 7]
		for pose in GenlockFrame.JOINTS if bit > 7 else 1:
			var count := GenlockFrame.BUTTONS if is_buttons else 7
			if is_buttons:
				close(actual.slice(at, at + count), expected.slice(at, at + count), what)
			else:
				_same_pose(actual.slice(at, at + count), expected.slice(at, at + count), what)
			at += count


## A quaternion and its negative are the same orientation; the vectors' may be a little off unit length.
func _same_pose(actual: PackedFloat32Array, expected: Array, what: String) -> void:
	var turn := Quaternion(expected[3], expected[4], expected[5], expected[6]).normalized()
	var shown := Quaternion(actual[3], actual[4], actual[5], actual[6])
	holds(absf(absf(turn.dot(shown)) - 1.0) < CLOSE, "%s: %s is not %s" % [what, shown, turn])
	close(actual.slice(0, 3), expected.slice(0, 3), what)


static func _transform(numbers: Array) -> Transform3D:
	var turn := Quaternion(numbers[3], numbers[4], numbers[5], numbers[6]).normalized()
	return Transform3D(Basis(turn), Vector3(numbers[0] as float, numbers[1] as float, numbers[2] as float))
