extends Node
## Runs the gallery, says things to it, and tells what became of its exhibits. With a screen it takes pictures.

const PATIENCE_S := 60.0

var _genlock: GenlockClient
var _seen := {"targets": 0, "performed": []}


func _ready() -> void:
	_genlock = get_node("/root/Genlock")
	_genlock.target_changed.connect(func(_target: GenlockTarget, _probability: float) -> void: _seen["targets"] += 1)
	_genlock.action_performed.connect(
		func(action: GenlockActionEvent) -> void: (_seen["performed"] as Array).append(action.name)
	)
	_visit()


func _visit() -> void:
	var gallery: Node = (load("res://gallery.tscn") as PackedScene).instantiate()
	add_child(gallery)
	await _until(func() -> bool: return _genlock.last_forecast != null and _seen["targets"] as int > 0)
	await _picture("meant")
	var plate: MeshInstance3D = gallery.get_node("Exhibits/Plate")
	var kettle: MeshInstance3D = gallery.get_node("Exhibits/Kettle")
	var home := kettle.global_position
	await _genlock.say("paint the plate blue").finished
	await _until(func() -> bool: return (plate.material_override as StandardMaterial3D).albedo_color == Color.BLUE)
	await _genlock.say("take the kettle").finished
	await _until(func() -> bool: return kettle.global_position.distance_to(home) > 0.2)
	var hand: Node3D = gallery.get_node("XROrigin3D/RightController")
	_seen["held"] = kettle.global_position.distance_to(hand.global_position)
	await _picture("held")
	await _genlock.say("put it down").finished
	await _until(func() -> bool: return kettle.global_position == home)
	_seen["home"] = kettle.global_position == home
	await _genlock.say("hide the banana").finished
	await _until(func() -> bool: return not (gallery.get_node("Exhibits/Banana") as Node3D).visible)
	_seen["hidden"] = not (gallery.get_node("Exhibits/Banana") as Node3D).visible
	_seen["blue"] = (plate.material_override as StandardMaterial3D).albedo_color == Color.BLUE
	_seen["ghost"] = (gallery.get_node("ForecastHand") as Node3D).visible
	print("RESULT ", JSON.stringify(_seen))
	gallery.queue_free()
	for frame in 60:
		await get_tree().process_frame
	get_tree().quit()


func _until(holds: Callable) -> void:
	var waited := 0.0
	while not holds.call() and waited < PATIENCE_S:
		await get_tree().create_timer(0.05).timeout
		waited += 0.05


func _picture(name_of_it: String) -> void:
	var folder := OS.get_environment("PICTURES")
	if folder:
		await RenderingServer.frame_post_draw
		get_viewport().get_texture().get_image().save_png(folder.path_join(name_of_it + ".png"))
