@tool
@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockTarget
extends Node
## Makes the [Node3D] above it something that can be looked at, pointed at or named.
##
## A [GenlockSession] in the scene tells the daemon of it and follows it when it moves. Up to 64 targets are told of at
## a
## time.

## The user means this target now.
signal meant(probability: float)
## The user no longer means this target.
signal unmeant
## An action about this target is to be done.
signal action_performed(action: GenlockActionEvent)

## What people call it. Empty: the name of the node above.
@export var spoken_name := "":
	set(value):
		spoken_name = value
		update_configuration_warnings()
## What else they call it, up to 16.
@export var aliases := PackedStringArray()
## Names it to the app and to what is learned, the same in each run. Empty: the path of the node above in the running
## scene.
@export var id := "":
	set(value):
		id = value
		update_configuration_warnings()
## The edges of its box in the axes of the node above, metres. Zero: as large as what is seen of that node.
@export var size := Vector3.ZERO:
	set(value):
		size = value
		update_configuration_warnings()
## The centre of the box in the space of the node above, metres. Only with a size.
@export var center := Vector3.ZERO
## Whether it can be meant.
@export var enabled := true

var _box := AABB()
var _is_measured := false
# Worked out once: looked at for all targets several times a second.
var _path := ""


func _enter_tree() -> void:
	add_to_group(GenlockClient.TARGETS)
	_path = ""
	if not get_tree().node_renamed.is_connected(_on_node_renamed):
		get_tree().node_renamed.connect(_on_node_renamed)


func _exit_tree() -> void:
	get_tree().node_renamed.disconnect(_on_node_renamed)


func _get_configuration_warnings() -> PackedStringArray:
	if get_parent() is not Node3D:
		return ["Put it under a Node3D: that is what will be looked at and named."]
	if not size and not box().has_volume():
		return ["Nothing is seen of the node above: set a size, in metres."]
	if id and is_inside_tree():
		for node in get_tree().get_nodes_in_group(GenlockClient.TARGETS):
			var other := node as GenlockTarget
			if other != null and other != self and other.id == id:
				return ["%s has the id '%s' too: only one of them is told of." % [other.get_path(), id]]
	return []


## The user means it now, or no longer does; called by [GenlockClient].
func tell_meant(is_meant: bool, probability: float) -> void:
	if is_meant:
		meant.emit(probability)
	else:
		unmeant.emit()


## An action about it is to be done; called by [GenlockClient].
func tell_performed(action: GenlockActionEvent) -> void:
	action_performed.emit(action)


## What names it on the wire.
func wire_id() -> String:
	if id:
		return id
	if not _path and is_inside_tree():
		# Not from the owner: the same scene may be there twice.
		var scene := get_tree().current_scene
		var parent := get_parent()
		var is_within := scene != null and scene.is_ancestor_of(parent)
		_path = str(scene.get_path_to(parent)) if is_within else str(get_path())
	return _path


## Its box in the space of the node above, metres.
func box() -> AABB:
	if size:
		return AABB(center - size / 2.0, size)
	if not _is_measured:
		measure()
	return _box


## Measures again what is seen of the node above, after its meshes have changed or were shown or hidden. That node
## itself may be hidden.
func measure() -> void:
	_is_measured = true
	_box = AABB()
	var body := get_parent() as Node3D
	if body == null:
		return
	var parts: Array[Node] = [body]
	parts.append_array(body.find_children("*", "GeometryInstance3D", true, false))
	for part in parts:
		var seen := part as GeometryInstance3D
		# The box of particles is how far they may fly.
		if seen == null or seen is GPUParticles3D or seen is CPUParticles3D or not _is_shown(body, seen):
			continue
		var part_box := _relative(body, seen) * seen.get_aabb()
		if part_box.has_surface():
			_box = part_box if not _box.has_surface() else _box.merge(part_box)


## As it goes over the wire, seen from the stage.
func to_message(stage_from_world: Transform3D) -> Dictionary:
	var body := get_parent() as Node3D
	var placed := stage_from_world * body.global_transform * box()
	return {
		"id": wire_id(),
		"position": placed.get_center(),
		"size": placed.size,
		"name": spoken_name if spoken_name else str(body.name),
		"aliases": aliases,
	}


## Why the daemon would refuse a target that goes over the wire so, in words; empty if it would not.
static func problem_of(message: Dictionary) -> String:
	var its_id: String = message["id"]
	if its_id.length() > GenlockWire.ID_LENGTH:
		return (
			"The id of the target '%s' has more than %d letters: it is not told of." % [its_id, GenlockWire.ID_LENGTH]
		)
	var place: Vector3 = message["position"]
	var edges: Vector3 = message["size"]
	if not _is_near(place) or not _is_near(edges):
		return "The target '%s' is more than %d m away or large: it is not told of." % [its_id, GenlockFrame.FAR]
	var other_names: PackedStringArray = message["aliases"]
	if other_names.size() > GenlockWire.MAX_ALIASES:
		return "The target '%s' has more than %d aliases: it is not told of." % [its_id, GenlockWire.MAX_ALIASES]
	for called: String in PackedStringArray([message["name"]]) + other_names:
		if called.length() > GenlockWire.NAME_LENGTH:
			return (
				"A name of the target '%s' has more than %d letters: it is not told of."
				% [its_id, GenlockWire.NAME_LENGTH]
			)
	return ""


func _on_node_renamed(_node: Node) -> void:
	_path = ""


static func _is_near(place: Vector3) -> bool:
	var off := place.abs()
	return place.is_finite() and off[off.max_axis_index()] <= GenlockFrame.FAR


static func _is_shown(body: Node3D, part: Node3D) -> bool:
	var node := part
	while node != null and node != body:
		if not node.visible:
			return false
		node = node.get_parent_node_3d()
	return true


static func _relative(body: Node3D, part: Node3D) -> Transform3D:
	var relative := Transform3D.IDENTITY
	var node: Node3D = part
	while node != null and node != body:
		relative = node.transform * relative
		node = node.get_parent_node_3d()
	return relative
