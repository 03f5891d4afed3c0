@tool
class_name GenlockActions
extends Resource
## What an app can do: edited in the inspector, given to a [GenlockSession].

## The app, by the same name in all its versions: what users teach belongs to it.
@export var app_name := ""
## The app's version.
@export var app_version := ""
## How sure of an action one must be, 0 to 1; below it what was said means none of them.
@export_range(0.0, 1.0, 0.01) var confidence := 0.5
## Whether anything may be learned of the app's users.
@export var learn := true
## Whether what others say near the user is left out, once the user's voice is known.
@export var ignore_bystanders := false
## Things that users may show, beside what the daemon's model knows and what users teach.
@export var objects: Array[GenlockObject] = []
## What it can do. Empty: what the daemon was given for an app of this name with [code]genlock serve --app[/code].
@export var actions: Array[GenlockAction] = []


## As it goes over the wire, in [code]hello[/code].
func to_message() -> Dictionary:
	return {
		"name": app_name,
		"version": app_version,
		"confidence": confidence,
		"actions": actions.map(func(action: GenlockAction) -> Dictionary: return action.to_message()),
		"learn": learn,
		"bystanders": "ignored" if ignore_bystanders else "heard",
		"objects": objects.map(func(thing: GenlockObject) -> Dictionary: return thing.to_message()),
	}


## What is wrong with it, in words; empty if nothing is. The daemon would refuse the first of it.
func problems() -> PackedStringArray:
	var found := PackedStringArray()
	if not app_name:
		found.append("The actions have no app name.")
	var names: Dictionary[String, bool] = {}
	var gestures: Dictionary[String, bool] = {}
	var seen: Dictionary[String, bool] = {}
	var said: Dictionary[String, String] = {}
	for action in actions:
		if action == null or not action.name:
			found.append("An action has no name.")
			continue
		if action.name in names:
			found.append("Two actions are called '%s'." % action.name)
		names[action.name] = true
		for gesture in action.gestures:
			if gesture in gestures:
				found.append("The gesture '%s' is there twice: it can mean one action." % gesture)
			gestures[gesture] = true
		for sight in action.sees:
			if sight.to_lower() in seen:
				found.append("'%s' is seen by two actions." % sight)
			seen[sight.to_lower()] = true
		for phrase in action.phrases:
			var words := _words(phrase)
			if said.get_or_add(words, action.name) != action.name:
				found.append("'%s' means '%s' already: a phrase means one action." % [phrase, said[words]])
		found.append_array(action.problems())
	var things: Dictionary[String, bool] = {}
	for thing: GenlockObject in objects:
		if thing == null or not thing.name:
			found.append("An object has no name.")
			continue
		if thing.name.to_lower() in things:
			found.append("Two objects are called '%s'." % thing.name)
		things[thing.name.to_lower()] = true
		if not thing.pictures or null in thing.pictures:
			found.append("The object '%s' lacks a picture." % thing.name)
	return found


## A phrase without what makes no difference: case and marks.
static func _words(phrase: String) -> String:
	# UCP: letters of any script.
	var found := RegEx.create_from_string("(*UCP)\\w+").search_all(phrase.to_lower())
	return " ".join(found.map(func(word: RegExMatch) -> String: return word.get_string()))
