@tool
class_name GenlockAction
extends Resource
## Something that the app can do when the user says it or makes a gesture.

## Whether it is about a target.
enum Aim { NONE, OPTIONAL, REQUIRED }

## What comes back in [member GenlockActionEvent.name].
@export var name := ""
## What users say for it: six to ten, each with other words. [code]{target}[/code] stands for a target, an argument's
## name
## in braces for that argument.
@export var phrases := PackedStringArray()
## Whether it is about a target. One that needs a target waits until it is clear which is meant.
@export var target := Aim.NONE
## What else is said with it.
@export var arguments: Array[GenlockArgument] = []
## Gestures that mean it: nod, shake, swipe_left, swipe_right, swipe_up, swipe_down, push, pull, circle, wave, or one
## that
## the user has taught; * is any that no other action has.
@export var gestures := PackedStringArray()
## Names of things that mean it when they come into sight of the pictures that are sent: what the user has taught, those
## of [member GenlockActions.objects], or what the daemon's model knows, as teapot; * is any that no other action has.
@export var sees := PackedStringArray()


## As it goes over the wire.
func to_message() -> Dictionary:
	return {
		"name": name,
		"phrases": phrases,
		"target": (Aim.keys()[target] as String).to_lower(),
		"arguments": arguments.map(func(argument: GenlockArgument) -> Dictionary: return argument.to_message()),
		"gestures": gestures,
		"sees": sees,
	}
