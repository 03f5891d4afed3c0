@tool
extends EditorPlugin
## Does in the editor what a developer would: enables the addon, connects with the dock, plays a recording to the
## daemon.

const PATIENCE_S := 60.0

var _said := PackedStringArray()


func _enter_tree() -> void:
	if OS.get_environment("DRIVE"):
		_drive.call_deferred()


func _drive() -> void:
	await get_tree().process_frame
	EditorInterface.set_plugin_enabled("genlock", true)
	await get_tree().process_frame
	var dock: GenlockDock = EditorInterface.get_base_control().find_children("*", "GenlockDock", true, false)[0]
	_say("autoload", ProjectSettings.get_setting("autoload/Genlock", ""))
	_say("url", ProjectSettings.get_setting("genlock/connection/url", ""))
	dock.press_connect(OS.get_environment("DAEMON"), OS.get_environment("RECORDING"))
	await _until(func() -> bool: return "connected" in dock.shown() and "target      K" in dock.shown())
	_say("connected", dock.shown())
	dock.press_connect("", "")
	await _until(func() -> bool: return not dock.is_active())
	_say("disconnected", dock.shown())
	dock.show_game({"state": GenlockLink.State.OPEN, "frames_sent": 12345, "log": PackedStringArray(["action: take"])})
	_say("game", dock.shown())
	print("RESULT ", JSON.stringify(_said))
	EditorInterface.set_plugin_enabled("genlock", false)
	await get_tree().process_frame
	get_tree().quit()


func _until(holds: Callable) -> void:
	var waited := 0.0
	while not holds.call() and waited < PATIENCE_S:
		await get_tree().create_timer(0.05).timeout
		waited += 0.05


func _say(what: String, value: String) -> void:
	_said.append(what + ": " + value)
