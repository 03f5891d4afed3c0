extends Checks
## What the nodes tell a designer in the editor: what is missing.


func _initialize() -> void:
	var session := GenlockSession.new()
	_says(session, "XROrigin3D")
	_says(session, "no actions")
	var origin := XROrigin3D.new()
	origin.add_child(session)
	_says(session, "XRCamera3D")
	var camera := XRCamera3D.new()
	origin.add_child(camera)
	session.actions = GenlockActions.new()
	_says(session, "no app name")
	session.actions.app_name = "shop"
	var action := GenlockAction.new()
	session.actions.actions.append(action)
	_says(session, "no name")
	action.name = "take"
	_says(session, "neither a phrase nor a gesture")
	action.phrases = PackedStringArray(["take {target}"])
	_says(session, "names a target")
	action.target = GenlockAction.Aim.REQUIRED
	var argument := GenlockArgument.new()
	argument.name = "colour"
	action.arguments.append(argument)
	_says(session, "no values")
	argument.values = PackedStringArray(["red"])
	action.sees = PackedStringArray(["mug", "Mug"])
	_says(session, "'Mug' is seen by two actions")
	action.sees = PackedStringArray(["mug"])
	var thing := GenlockObject.new()
	session.actions.objects.append(thing)
	_says(session, "object has no name")
	thing.name = "mug"
	_says(session, "'mug' lacks a picture")
	var picture := Image.create(8, 8, false, Image.FORMAT_RGB8)
	thing.pictures.append(ImageTexture.create_from_image(picture))
	same(session._get_configuration_warnings(), PackedStringArray(), "a session that lacks nothing")
	var target := GenlockTarget.new()
	_says(target, "Node3D")
	var body := MeshInstance3D.new()
	body.add_child(target)
	_says(target, "size")
	var box := BoxMesh.new()
	box.size = Vector3(1, 2, 3)
	body.mesh = box
	body.position = Vector3(0, 1, 0)
	target.measure()
	same(target._get_configuration_warnings(), PackedStringArray(), "a target that can be seen")
	same(target.box(), AABB(Vector3(-0.5, -1, -1.5), Vector3(1, 2, 3)), "its box")
	_a_device_wakes()
	var device := GenlockClient._runtime({"XRRuntimeName": "Monado", "XRRuntimeVersion": "25.0.0"}, "OpenXR")
	same(device, "Monado 25.0.0", "the runtime and its version")
	same(GenlockClient._runtime({}, "Native mobile"), "Native mobile", "an interface that tells nothing more")
	var replay := GenlockReplay.new()
	_says(replay, "Choose")
	replay.recording = "res://nothing.genlock"
	_says(replay, "no file")
	var forecast := GenlockForecast.new()
	_says(forecast, "Node3D")
	var microphone := GenlockMicrophone.new()
	_says(microphone, "audio/driver/enable_input")
	same(GenlockReplay.read("res://checks.gd").has("problem"), true, "a file that is no recording")
	for node: Node in [origin, body, replay, forecast, microphone]:
		node.free()
	finish()


func _a_device_wakes() -> void:
	var client := GenlockClient.new()
	var link := GenlockLink.new()
	client._link = link
	client.notification(Node.NOTIFICATION_APPLICATION_RESUMED)
	same(link._at_once, true, "a device that wakes connects at once")
	client._link = null
	client.free()


func _says(node: Node, words: String) -> void:
	var said: PackedStringArray = node.call("_get_configuration_warnings")
	holds(words in " ".join(said), "%s: '%s' should say '%s'" % [node.get_script().get_global_name(), said, words])
