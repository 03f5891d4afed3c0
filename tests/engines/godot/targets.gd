extends Checks
## What a session tells of the targets of a scene: their ids, which are told of, and what is told of only once.


## Keeps what the session tells, and answers nothing.
class Listener:
	extends GenlockClient
	var scenes: Array[Dictionary] = []
	var reports: Array[String] = []
	var last: GenlockRequest

	func is_active() -> bool:
		return true

	func show_scene(targets: Array[Dictionary], replace := true, remove := PackedStringArray()) -> GenlockRequest:
		var told := targets.map(func(one: Dictionary) -> String: return one["id"])
		scenes.append({"told": told, "replace": replace, "gone": Array(remove)})
		last = GenlockRequest.new()
		return last

	func report(_code: String, message: String) -> void:
		reports.append(message)


var _client := Listener.new()
var _origin := XROrigin3D.new()
var _session := GenlockSession.new()
var _scene := Node3D.new()


func _initialize() -> void:
	_begin.call_deferred()


func _begin() -> void:
	_origin.add_child(XRCamera3D.new())
	_session.client = _client
	_session.connect_at_start = false
	_origin.add_child(_session)
	_scene.add_child(_origin)
	root.add_child(_scene)
	current_scene = _scene
	_session.set_process(false)
	_what_is_seen()
	_ids()
	_one_scene_twice()
	_the_same_id_twice()
	_what_the_daemon_would_refuse()
	_what_the_daemon_refuses()
	_too_many()
	_too_long()
	_who_leaves()
	_who_comes_again()
	_while_paused()
	_what_outlives_its_scene()
	_client.free()
	finish()


func _place(name: String, under: Node = _scene, id := "") -> GenlockTarget:
	var body := Node3D.new()
	body.name = name
	var target := GenlockTarget.new()
	target.id = id
	target.size = Vector3.ONE
	body.add_child(target)
	under.add_child(body)
	return target


func _remove(targets: Array) -> void:
	for target: GenlockTarget in targets:
		target.get_parent().free()


## What is told after all were looked at; empty if nothing was.
func _sweep() -> Dictionary:
	_client.scenes.clear()
	_session._find_targets()
	_session._look_at(_session._targets.size())
	_session._tell_scene()
	return _client.scenes[0] if _client.scenes else {}


func _start_anew() -> void:
	_session._on_disconnected()
	_client.reports.clear()


func _what_is_seen() -> void:
	var body := MeshInstance3D.new()
	body.mesh = BoxMesh.new()
	body.visible = false
	var target := GenlockTarget.new()
	body.add_child(target)
	for unseen: Node3D in [
		OmniLight3D.new(),
		ReflectionProbe.new(),
		Decal.new(),
		FogVolume.new(),
		VisibleOnScreenNotifier3D.new(),
		GPUParticles3D.new(),
		CPUParticles3D.new(),
		MeshInstance3D.new(),
	]:
		unseen.position.x = 5.0
		body.add_child(unseen)
	var lid := MeshInstance3D.new()
	lid.mesh = BoxMesh.new()
	lid.position.y = 1.0
	var hinge := Node3D.new()
	hinge.visible = false
	hinge.add_child(lid)
	body.add_child(hinge)
	same(target.box(), AABB(Vector3.ONE * -0.5, Vector3.ONE), "its mesh, and nothing that is not seen")
	hinge.visible = true
	target.measure()
	same(target.box(), AABB(Vector3.ONE * -0.5, Vector3(1, 2, 1)), "what is shown now")
	body.free()


func _ids() -> void:
	var shelf := _place("Shelf")
	var cup := _place("Cup", shelf.get_parent())
	same(shelf.wire_id(), "Shelf", "the path from the scene")
	same(cup.wire_id(), "Shelf/Cup", "of what lies deeper")
	shelf.get_parent().name = "Board"
	same(cup.wire_id(), "Board/Cup", "after a node above got another name")
	cup.get_parent().reparent(_scene)
	same(cup.wire_id(), "Cup", "after it was put elsewhere")
	cup.id = "mine"
	same(cup.wire_id(), "mine", "the app's own")
	var outside := _place("Outside", root)
	same(outside.wire_id(), "/root/Outside/" + outside.name, "outside of the scene")
	_remove([shelf, cup, outside])


func _one_scene_twice() -> void:
	_start_anew()
	var mug := Node3D.new()
	var body := _place("Body", mug).get_parent()
	body.owner = mug
	body.get_child(0).owner = mug
	var packed := PackedScene.new()
	packed.pack(mug)
	mug.free()
	for name: String in ["Left", "Right"]:
		var placed := packed.instantiate()
		placed.name = name
		_scene.add_child(placed)
		placed.owner = _scene
	same(_sweep()["told"], ["Left/Body", "Right/Body"], "each has an id of its own")
	same(_sweep(), {}, "nothing moved: nothing is told")
	same(_client.reports, [], "and nothing is wrong")
	for name: String in ["Left", "Right"]:
		_scene.get_node(name).free()
	same(_sweep()["gone"], ["Left/Body", "Right/Body"], "they are gone")


func _the_same_id_twice() -> void:
	_start_anew()
	var targets: Array[GenlockTarget] = [_place("One", _scene, "twin"), _place("Two", _scene, "twin")]
	targets[1].get_parent().position.x = 1.0
	same(_sweep()["told"], ["twin"], "one of them is told of")
	for sweep in 3:
		same(_sweep(), {}, "and not again")
	same(_client.reports.size(), 1, "which is reported once")
	holds("twin" in _client.reports[0], "with the id")
	holds("'twin' too" in targets[0]._get_configuration_warnings()[0], "and in the editor")
	targets[0].id = "other"
	same(_sweep()["told"], ["other", "twin"], "until it has its own")
	same(targets[0]._get_configuration_warnings(), PackedStringArray(), "nothing is wrong then")
	_remove(targets)


func _what_the_daemon_would_refuse() -> void:
	_start_anew()
	var kettle := _place("Kettle")
	var far := _place("Far")
	far.get_parent().position.x = 20_000.0
	var vast := _place("Vast")
	vast.size.y = 20_000.0
	var nowhere := _place("Nowhere")
	nowhere.get_parent().position.x = NAN
	var long := _place("Long")
	long.spoken_name = "x".repeat(257)
	var many := _place("Many")
	many.aliases.resize(17)
	var alias := _place("Alias")
	alias.aliases = ["x".repeat(257)]
	var deep := _place("Deep", _scene, "x".repeat(129))
	same(_sweep()["told"], ["Kettle"], "what the daemon takes is told of")
	same(_sweep(), {}, "once")
	same(_client.reports.size(), 7, "each of the others is reported once: %s" % "\n".join(_client.reports))
	far.get_parent().position.x = 10.0
	same(_sweep()["told"], ["Far"], "one that came near")
	far.get_parent().position.x = 20_000.0
	same(_sweep()["gone"], ["Far"], "is gone when it is far again")
	_remove([kettle, far, vast, nowhere, long, many, alias, deep])


func _what_the_daemon_refuses() -> void:
	_start_anew()
	var targets: Array[GenlockTarget] = [_place("A"), _place("B")]
	_sweep()
	_client.last.finish(true, "", "")
	var third := _place("C")
	_remove([targets[0]])
	same(_sweep(), {"told": ["C"], "replace": false, "gone": ["A"]}, "a change")
	_client.last.target_id = "C"
	_client.last.finish(false, "invalid", "no")
	same(_sweep()["told"], ["B"], "what is left is told again, without what was refused")
	holds("A" in (_client.scenes[0]["gone"] as Array), "and what is gone too")
	_client.last.finish(true, "", "")
	same(_sweep(), {}, "that is all")
	_session._on_disconnected()
	same(_sweep()["told"], ["B", "C"], "another daemon is told of all")
	_client.last.finish(false, "too_big", "no")
	holds(_session._scene_at > Time.get_ticks_usec(), "what is refused as a whole is not told again at once")
	_remove([targets[1], third])


func _too_many() -> void:
	_start_anew()
	var targets: Array[GenlockTarget] = []
	for index in 70:
		targets.append(_place("Thing%d" % index))
	same((_sweep()["told"] as Array).size(), 64, "as many as the daemon takes")
	for sweep in 3:
		same(_sweep(), {}, "and no more later")
	same(_client.reports.size(), 1, "which is reported once")
	_remove(targets)


func _too_long() -> void:
	_start_anew()
	var targets: Array[GenlockTarget] = []
	for index in 64:
		var target := _place("Thing%d" % index)
		for number in 16:
			target.aliases.append("another fairly long name of thing %d, as some people say it: %d" % [index, number])
		targets.append(target)
	var told: Array = _sweep()["told"]
	holds(told.size() > 40 and told.size() < 64, "%d are told of" % told.size())
	var bytes := GenlockWire.new().lay({"type": "scene", "id": "s", "targets": _session._known.values()}).size()
	holds(bytes <= GenlockWire.MESSAGE_BYTES, "%d bytes, which the daemon takes" % bytes)
	for sweep in 3:
		same(_sweep(), {}, "and no more later")
	same(_client.reports.size(), 64 - told.size(), "each of the others is reported once")
	holds("'%s'" % targets[told.size()].wire_id() in _client.reports[0], "the first that did not fit")
	targets[0].aliases = []
	same(_sweep()["told"], ["Thing0", "Thing%d" % told.size()], "what there is room for again")
	_remove(targets)


func _who_leaves() -> void:
	_start_anew()
	var targets := [_place("Lamp"), _place("Rug")]
	_sweep()
	_client.scenes.clear()
	_origin.remove_child(_session)
	same(_client.scenes, [{"told": [], "replace": false, "gone": ["Lamp", "Rug"]}], "goes with what was told")
	_origin.add_child(_session)
	same(_sweep()["told"], ["Lamp", "Rug"], "and tells it again when it comes back")
	_remove(targets)


func _who_comes_again() -> void:
	var told: Array[String] = []
	root.add_child(_client)
	_client.target_changed.connect(
		func(target: GenlockTarget, _probability: float) -> void:
			told.append(target.get_parent().name if target != null else &"none")
	)
	var answer := GenlockAnswer.new()
	answer.target = "vase"
	answer.probability = 0.9
	var first := _place("First", _scene, "vase")
	_client._take_answer(answer)
	same(_client.target, first, "it is meant")
	_remove([first])
	same(_client.target, null, "it is gone")
	_client._take_answer(answer)
	var second := _place("Second", _scene, "vase")
	var meant: Array[float] = []
	second.meant.connect(meant.append)
	second.unmeant.connect(meant.append.bind(0.0))
	for repeat in 3:
		_client._take_answer(answer)
	same([_client.target, meant], [second, [0.9] as Array[float]], "another one of its id is meant, once")
	var third := _place("Third", _scene, "vase")
	var body := second.get_parent()
	_scene.remove_child(body)
	_client._take_answer(answer)
	same([_client.target, meant], [third, [0.9, 0.0] as Array[float]], "one that was taken out no longer is")
	same(told, ["First", "Second", "Third"] as Array[String], "the app is told of each")
	body.free()
	_remove([third])


func _while_paused() -> void:
	paused = true
	for node: Node in [_session, GenlockReplay.new(), GenlockForecast.new()]:
		if not node.is_inside_tree():
			_scene.add_child(node)
		var what := str((node.get_script() as GDScript).get_global_name())
		holds(node.can_process(), what + " goes on")
		node.process_mode = Node.PROCESS_MODE_PAUSABLE
		holds(not node.can_process(), what + " stops where the app wants that")
		if node == _session:
			node.process_mode = Node.PROCESS_MODE_ALWAYS
		else:
			node.free()
	paused = false


func _what_outlives_its_scene() -> void:
	var driven := Node3D.new()
	_scene.add_child(driven)
	var forecast := GenlockForecast.new()
	forecast.client = _client
	forecast.driven_path = driven.get_path()
	_scene.add_child(forecast)
	forecast._process(0.0)
	holds(not driven.visible, "nothing is forecast")
	driven.free()
	forecast._process(0.0)
	holds(not forecast.is_processing(), "there is nothing left to drive")
	forecast.free()
	var recorder := GenlockGestureRecorder.new(_session, "head")
	recorder.start()
	_session.free()
	same(recorder.stop(), PackedFloat32Array(), "an example that was not made")
