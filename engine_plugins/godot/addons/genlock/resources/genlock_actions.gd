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
	}


## What is wrong with it, in words; empty if nothing is.
func problems() -> PackedStringArray:
	var found := PackedStringArray()
	if not app_name:
		found.append("The actions have no app name.")
	var names: Dictionary[String, bool] = {}
	for action in actions:
		if action == null or not action.name:
			found.append("An action has no name.")
			continue
		if action.name in names:
			found.append("Two actions are called '%s'." % action.name)
		names[action.name] = true
		if not action.phrases and not action.gestures:
			found.append("The action '%s' has neither a phrase nor a gesture." % action.name)
		for argument in action.arguments:
			if argument == null or not argument.name:
				found.append("An argument of the action '%s' has no name." % action.name)
			elif argument.kind == GenlockArgument.Kind.CHOICE and not argument.values:
				found.append("The argument '%s' of the action '%s' has no values." % [argument.name, action.name])
	return found
