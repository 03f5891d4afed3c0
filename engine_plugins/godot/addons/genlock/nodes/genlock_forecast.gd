@tool
@icon("res://addons/genlock/icons/genlock.svg")
class_name GenlockForecast
extends Node
## Drives a [Node3D] with where the head or a hand will be.
##
## What is drawn there is where the hand is by the time the picture is seen, not where it was when it was tracked.

## Whose pose.
@export var device := GenlockForecastPoses.Device.RIGHT
## How far ahead, milliseconds after the tracked moment. The nearest of [member GenlockSession.horizons_ms] is taken.
@export_range(0.0, 250.0, 1.0, "suffix:ms") var horizon_ms := 50.0
## The node that is driven. Empty: the one above.
@export_node_path("Node3D") var driven_path := NodePath():
	set(value):
		driven_path = value
		update_configuration_warnings()
## Whether it is hidden while there is no forecast: without a connection, or while the device is not tracked.
@export var hide_when_lost := true
## A forecast that is older is none, seconds.
@export_range(0.05, 5.0, 0.05, "suffix:s") var lost_after_s := 0.25

## The connection; the autoload, if it is not set before the node enters the tree.
var client: GenlockClient

var _driven: Node3D
var _session: GenlockSession


func _init() -> void:
	# Hands move while the game is paused.
	process_mode = PROCESS_MODE_ALWAYS


func _enter_tree() -> void:
	if client == null:
		client = get_node_or_null("/root/Genlock") as GenlockClient


func _ready() -> void:
	_driven = _find_driven()
	set_process(not Engine.is_editor_hint() and client != null and _driven != null)


func _process(_delta: float) -> void:
	if not is_instance_valid(_driven):
		set_process(false)
		return
	if _session == null or not is_instance_valid(_session):
		_session = get_tree().get_first_node_in_group(GenlockSession.GROUP) as GenlockSession
	var poses := client.last_forecast
	var is_fresh := (
		_session != null
		and poses != null
		and poses.has(device)
		and client.now_us() - poses.time_us < lost_after_s * 1e6
	)
	if is_fresh:
		var pose := poses.pose(device, poses.nearest_horizon(horizon_ms))
		_place(_session.stage_to_world() * pose)
	if hide_when_lost:
		_driven.visible = is_fresh


func _get_configuration_warnings() -> PackedStringArray:
	if _find_driven() == null:
		return ["Put it under a Node3D, or choose the node that it drives."]
	return []


## Its scale stays as it is.
func _place(world_pose: Transform3D) -> void:
	var parent := _driven.get_parent_node_3d()
	var turned := parent.global_basis.inverse() * world_pose.basis if parent != null else world_pose.basis
	_driven.global_position = world_pose.origin
	_driven.quaternion = turned.get_rotation_quaternion()


func _find_driven() -> Node3D:
	return (get_parent() if driven_path.is_empty() else get_node_or_null(driven_path)) as Node3D
