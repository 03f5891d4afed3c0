class_name GenlockSpeech
extends RefCounted
## What was heard, when its words will not change any more.

## Names it: the actions that come of it have it as [member GenlockActionEvent.message_id].
var id := ""
## The words.
var text := ""
## When the speech began, microseconds of [method GenlockClient.now_us].
var time_us := 0
## Each word, in order, and when it began and ended, microseconds; as many of each.
var words := PackedStringArray()
var begins_us := PackedInt64Array()
var ends_us := PackedInt64Array()
## How probably the user said it and not somebody else, 0 to 1; -1 while that cannot be told.
var speaker := -1.0


## Takes it from what came over the wire; called by [GenlockClient].
static func from_message(message: Dictionary) -> GenlockSpeech:
	var speech := GenlockSpeech.new()
	speech.id = message["id"]
	speech.text = message["text"]
	speech.time_us = message["time"]
	for word: Dictionary in message["words"]:
		speech.words.append(word["text"] as String)
		speech.begins_us.append(word["begin"] as int)
		speech.ends_us.append(word["end"] as int)
	if message["speaker"] != null:
		speech.speaker = message["speaker"]
	return speech
