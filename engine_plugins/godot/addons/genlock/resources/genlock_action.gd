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


## What is wrong with it by itself, in words; it must have a name.
func problems() -> PackedStringArray:
	var found := PackedStringArray()
	if not phrases and not gestures and not sees:
		found.append("The action '%s' has neither a phrase nor a gesture nor anything to see." % name)
	var placeholders := PackedStringArray()
	if target != Aim.NONE:
		placeholders.append("target")
	for argument in arguments:
		if argument == null or not argument.name:
			found.append("An argument of the action '%s' has no name." % name)
			continue
		if argument.name in placeholders:
			found.append("The argument '%s' of the action '%s' is there twice." % [argument.name, name])
		placeholders.append(argument.name)
		for problem in argument.problems():
			found.append("The argument '%s' of the action '%s' %s." % [argument.name, name, problem])
	for phrase in phrases:
		found.append_array(_phrase_problems(phrase, placeholders))
	return found


func _phrase_problems(phrase: String, placeholders: PackedStringArray) -> PackedStringArray:
	var found := PackedStringArray()
	var placeholder := RegEx.create_from_string("\\{([^{}]*)\\}")
	for place in placeholder.search_all(phrase):
		var named := place.get_string(1)
		if named == "target" and named not in placeholders:
			found.append("'%s' names a target: set the target of the action '%s'." % [phrase, name])
		elif named not in placeholders:
			found.append("'%s' has {%s}, which is no argument of the action '%s'." % [phrase, named, name])
	var around := placeholder.sub(phrase, "", true)
	if "{" in around or "}" in around:
		found.append("'%s' has a brace without its partner." % phrase)
	# UCP: letters of any script.
	if RegEx.create_from_string("(*UCP)\\w").search(phrase) == null:
		found.append("The phrase '%s' of the action '%s' has no words." % [phrase, name])
	return found
