class_name GenlockActionEvent
extends RefCounted
## What the app should do, or stop waiting for.

## Its number in this session, from 1 on.
var number := 0
## Which of the app's actions.
var name := ""
## [code]started[/code]: waits for more. [code]performed[/code]: is to be done. [code]canceled[/code]: what was started
## ends without being done.
var phase := ""
## How sure it is, 0 to 1.
var confidence := 0.0
## What it came from: utterance, gesture, speech, image.
var source := ""
## The id of the [GenlockRequest] that it came from, as of [method GenlockClient.say], or of the [GenlockSpeech].
var message_id := ""
## The id of the target that it is about; empty: none.
var target_id := ""
## The node of that target, null if there is none.
var target: GenlockTarget
## What else was said, by the arguments' names. Of a gesture: gesture, device, start and end. Of
## a picture: seen and time.
var arguments := {}
