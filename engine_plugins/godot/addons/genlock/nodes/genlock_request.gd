class_name GenlockRequest
extends RefCounted
## Something that was asked of the daemon and must not be lost: it is sent until it is answered, over as many
## connections
## as that takes. [code]if await request.finished: ...[/code]

## The daemon has taken it ([param done]), or refused it: then [member code] and [member message] say why.
signal finished(done: bool)

## Names it.
var id := ""
## Whether it was answered.
var is_finished := false
## Whether the daemon has taken it.
var is_done := false
## Why it was refused, of the protocol's errors; or [code]not_connected[/code].
var code := ""
## Why it was refused, in words.
var message := ""
## The target that a scene was refused for; empty if it was for none, or taken.
var target_id := ""
## What came back, of [method GenlockClient.export_profile].
var data := PackedByteArray()


## It was answered; called by [GenlockClient].
func finish(done: bool, error_code: String, error_message: String) -> void:
	is_finished = true
	is_done = done
	code = error_code
	message = error_message
	finished.emit(done)
