extends Checks
## Loads every script of the addon, so that each is compiled with all warnings as errors.


func _initialize() -> void:
	_load_all("res://addons/genlock")
	finish()


func _load_all(folder: String) -> void:
	for name in DirAccess.get_directories_at(folder):
		_load_all(folder.path_join(name))
	for name in DirAccess.get_files_at(folder):
		if name.ends_with(".gd"):
			var script: GDScript = load(folder.path_join(name))
			holds(script != null and script.can_instantiate(), folder.path_join(name))
