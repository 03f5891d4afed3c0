class_name GenlockAnswer
extends RefCounted
## What the daemon answered to a frame.

## The frame's number.
var q := 0
## The most probable target's id, empty if there is none, and its probability.
var target := ""
var probability := 0.0
## Where head and hands will be; null where nothing is forecast.
var forecast: GenlockForecastPoses
