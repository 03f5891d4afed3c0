class_name Exhibit
extends MeshInstance3D
## A thing on show: glows while it is meant, and can be taken, painted and hidden.

const GLOW := Color(1.0, 0.85, 0.3)
## How far from the hand it is held, metres.
const HELD_AHEAD := 0.3

var _home: Transform3D
var _paint: StandardMaterial3D
var _hand: Node3D

@onready var _target: GenlockTarget = $GenlockTarget


func _ready() -> void:
	_home = global_transform
	_paint = mesh.surface_get_material(0).duplicate()
	material_override = _paint
	_target.meant.connect(func(_probability: float) -> void: _glow(true))
	_target.unmeant.connect(func() -> void: _glow(false))


func _process(_delta: float) -> void:
	if _hand != null:
		global_position = _hand.global_position - _hand.global_basis.z * HELD_AHEAD


## Holds it in a hand until it is put down.
func take(hand: Node3D) -> void:
	_hand = hand


## Puts it back where it was.
func put_down() -> void:
	_hand = null
	global_transform = _home


## Gives it a colour.
func paint(colour: Color) -> void:
	_paint.albedo_color = colour


## Takes it out of sight, or shows it again; what is hidden cannot be meant.
func set_shown(is_shown: bool) -> void:
	visible = is_shown
	_target.enabled = is_shown


func _glow(is_meant: bool) -> void:
	_paint.emission_enabled = is_meant
	_paint.emission = GLOW
	_paint.emission_energy_multiplier = 0.6
