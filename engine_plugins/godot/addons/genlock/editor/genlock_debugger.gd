@tool
class_name GenlockDebugger
extends EditorDebuggerPlugin
## Takes what a running game tells of its connection to the editor's dock.

## Where it is shown.
var dock: GenlockDock


func _has_capture(capture: String) -> bool:
	return capture == "genlock"


func _capture(message: String, data: Array, _session_id: int) -> bool:
	if message != "genlock:report":
		return false
	dock.show_game(data[0] as Dictionary)
	return true


func _setup_session(session_id: int) -> void:
	get_session(session_id).stopped.connect(func() -> void: dock.show_game({}))
