@tool
extends EditorPlugin
## Puts Genlock into a project: the autoload, the project settings and the dock.

const AUTOLOAD := "Genlock"
const CLIENT := "res://addons/genlock/nodes/genlock_client.gd"
const HINTS := {
	"genlock/connection/url": [PROPERTY_HINT_PLACEHOLDER_TEXT, "ws://127.0.0.1:8765"],
	"genlock/connection/token": [PROPERTY_HINT_PASSWORD, ""],
	"genlock/connection/user": [PROPERTY_HINT_PLACEHOLDER_TEXT, "a name that is made up on each device"],
	"genlock/connection/certificate": [PROPERTY_HINT_FILE, "*.crt,*.pem"],
}

var _dock: GenlockDock
var _debugger: GenlockDebugger


func _enable_plugin() -> void:
	add_autoload_singleton(AUTOLOAD, CLIENT)


func _disable_plugin() -> void:
	remove_autoload_singleton(AUTOLOAD)


func _enter_tree() -> void:
	for path: String in GenlockClient.SETTINGS:
		if not ProjectSettings.has_setting(path):
			ProjectSettings.set_setting(path, GenlockClient.SETTINGS[path])
		ProjectSettings.set_initial_value(path, GenlockClient.SETTINGS[path])
		ProjectSettings.set_as_basic(path, true)
		ProjectSettings.add_property_info(
			{"name": path, "type": TYPE_STRING, "hint": HINTS[path][0], "hint_string": HINTS[path][1]}
		)
	_dock = GenlockDock.new()
	_dock.name = "Genlock"
	add_control_to_dock(DOCK_SLOT_RIGHT_BL, _dock)
	_debugger = GenlockDebugger.new()
	_debugger.dock = _dock
	add_debugger_plugin(_debugger)


func _exit_tree() -> void:
	remove_debugger_plugin(_debugger)
	remove_control_from_docks(_dock)
	_dock.queue_free()
