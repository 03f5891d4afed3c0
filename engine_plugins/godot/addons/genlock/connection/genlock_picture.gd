class_name GenlockPicture
extends RefCounted
## Makes pictures ready for the wire. Takes milliseconds, so [GenlockClient] has it done on the engine's worker threads.

## The longer side of what is sent to be seen, and of examples, pixels. The daemon's model looks at 224.
const SEEN_PIXELS := 512
const EXAMPLE_PIXELS := 256


## A copy whose longer side is no longer than [param longest] pixels, without transparency and compression.
static func small(picture: Image, longest: int) -> Image:
	var copy := picture.duplicate() as Image
	if copy.is_compressed():
		copy.decompress()
	var size := copy.get_size()
	var share := longest / float(size[size.max_axis_index()])
	if share < 1.0:
		var smaller := (size * share).round().max(Vector2.ONE)
		copy.resize(int(smaller.x), int(smaller.y), Image.INTERPOLATE_TRILINEAR)
	copy.clear_mipmaps()
	copy.convert(Image.FORMAT_RGB8)
	return copy


## A picture that is to be seen, as a message.
static func to_message(picture: Image, time_us: int, quality: float, longest: int) -> Dictionary:
	var copy := small(picture, longest)
	return {
		"type": "image",
		"time": time_us,
		"format": "jpeg",
		"width": copy.get_width(),
		"height": copy.get_height(),
		"data": copy.save_jpg_to_buffer(quality),
	}
