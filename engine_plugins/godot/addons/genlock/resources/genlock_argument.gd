@tool
class_name GenlockArgument
extends Resource
## What else is said with an action, such as a colour. It stands in phrases as its name in braces.

## What may be said for it.
enum Kind { CHOICE, NUMBER, TEXT }

## Its placeholder in phrases ([code]{colour}[/code]) and its key in the arguments that come back: letters, digits, _.
@export var name := ""
## One of [member values], a number, or whatever a phrase leaves open.
@export var kind := Kind.CHOICE
## Of a choice: what may be said, and comes back.
@export var values := PackedStringArray()
## Of a choice: other words for a value, by value.
@export var synonyms: Dictionary[String, PackedStringArray] = {}
## Of a number: the least that is taken.
@export var minimum := -1e9
## Of a number: the most that is taken.
@export var maximum := 1e9
## Of a number: its unit, as people say it, such as "degrees".
@export var unit := ""
## Whether the action waits until it was said.
@export var required := false
## What holds where it was not said; empty: nothing.
@export var default := ""


## As it goes over the wire.
func to_message() -> Dictionary:
	var words := {}
	for value in synonyms:
		words[value] = Array(synonyms[value])
	var fallback: Variant = default
	if kind == Kind.NUMBER and default.is_valid_float():
		fallback = default.to_float()
	return {
		"name": name,
		"kind": (Kind.keys()[kind] as String).to_lower(),
		"values": values,
		"synonyms": words,
		"minimum": minimum,
		"maximum": maximum,
		"unit": unit,
		"required": required,
		"default": fallback,
	}


## What is wrong with it, as what follows on its name; it must have one.
func problems() -> PackedStringArray:
	var found := PackedStringArray()
	if name == "target" or RegEx.create_from_string("\\A[A-Za-z_][A-Za-z0-9_]*\\z").search(name) == null:
		found.append("must be called by letters, digits and _, and not 'target'")
	if kind == Kind.CHOICE and not values:
		found.append("has no values")
	if kind != Kind.CHOICE and values:
		found.append("has values, but is no choice")
	for value in synonyms:
		if value not in values:
			found.append("has synonyms of '%s', which is none of its values" % value)
	if minimum > maximum:
		found.append("has a minimum that is more than the maximum")
	if not default:
		return found
	if required:
		found.append("is required and has a default: what is required is waited for, leave out one of the two")
	var number := default.to_float()
	if kind == Kind.NUMBER and (not default.is_valid_float() or number < minimum or number > maximum):
		found.append("has the default '%s', which is no number from %s to %s" % [default, minimum, maximum])
	if kind == Kind.CHOICE and default not in values:
		found.append("has the default '%s', which is none of its values" % default)
	return found
