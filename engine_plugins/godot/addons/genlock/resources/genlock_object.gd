@tool
class_name GenlockObject
extends Resource
## A thing that users may show, told by a few pictures of it.
##
## The pictures go to the daemon when the session begins, made small: those of all objects together must stay under
## 64 KiB there, which is about six. For more, let users teach them: [method GenlockClient.teach_object].

## What it is called, as in [member GenlockAction.sees].
@export var name := ""
## One to sixteen pictures of it, from several sides and on several grounds.
@export var pictures: Array[Texture2D] = []


## As it goes over the wire.
func to_message() -> Dictionary:
	var examples: Array[PackedByteArray] = []
	for picture in pictures:
		var image := picture.get_image()
		if image == null or image.is_empty():
			push_warning("Genlock: the picture %s of '%s' cannot be read." % [picture.resource_path, name])
			continue
		var copy := GenlockPicture.small(image, GenlockPicture.EXAMPLE_PIXELS)
		examples.append(copy.save_jpg_to_buffer(0.75))
	return {"name": name, "examples": examples}
