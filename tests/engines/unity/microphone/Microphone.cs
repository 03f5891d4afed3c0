using System;
using System.IO;
using System.Threading;
using Genlock;
using UnityEngine;

/// <summary>
/// Plays a WAV file (16 bit, mono) into the stand-in for Unity's microphone, at its own rate and by a clock that goes as fast as the
/// file is played, so that the times of what is sent are known: the file begins at one second.
/// Arguments: the daemon's address, the file, "speech" or "all", and the samples before which the app hangs for half a second. With
/// "heard" it is as with "speech", and the final transcript is waited for and printed, with when its words began and ended.
/// </summary>
internal static class MicrophoneProgram
{
    private const long Start = 1000000;
    private const int FramesPerSecond = 72;

    private static int Main(string[] arguments)
    {
        int hz;
        var sound = Read(arguments[1], out hz);
        var hangsAt = int.Parse(arguments[3]);
        Engine.MicrophoneHz = hz;
        new GameObject("Main Camera") { tag = "MainCamera" }.AddComponent<Camera>();
        var owner = new GameObject("XR Origin");
        owner.SetActive(false);
        var client = owner.AddComponent<GenlockClient>();
        client.Url = arguments[0];
        client.User = "microphone";
        var microphone = owner.AddComponent<GenlockMicrophone>();
        microphone.OnlySpeech = arguments[2] != "all";
        Transcript heard = null;
        client.Transcribed += transcript => heard = transcript.Final ? transcript : heard;
        var now = Start;
        microphone.Now = () => now;
        owner.SetActive(true);
        Until(() => client.State == SessionState.Connected);
        var played = 0;
        while (played < sound.Length)
        {
            var next = played + hz / FramesPerSecond;
            if (played <= hangsAt && hangsAt < next)
            {
                next += hz / 2;
            }
            next = Math.Min(next, sound.Length);
            for (; played < next; played++)
            {
                Engine.Sound[played % Engine.Sound.Length] = sound[played];
            }
            Engine.Position = played % Engine.Sound.Length;
            now = Start + played * 1000000L / hz;
            Engine.Tick(1.0 / FramesPerSecond);
        }
        microphone.enabled = false;
        if (arguments[2] == "heard")
        {
            Until(() => heard != null);
            Console.WriteLine(heard.Id + " " + heard.Text);
            Console.WriteLine(heard.Words[0].Begin + " " + heard.Words[heard.Words.Count - 1].End);
        }
        var closed = client.Session.CloseAsync("played");
        Until(() => closed.IsCompleted);
        foreach (var line in Engine.Log)
        {
            Console.WriteLine(line);
        }
        return 0;
    }

    private static float[] Read(string path, out int hz)
    {
        var bytes = File.ReadAllBytes(path);
        hz = BitConverter.ToInt32(bytes, 24);
        var samples = new float[(bytes.Length - 44) / 2];
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = BitConverter.ToInt16(bytes, 44 + 2 * i) / 32768f;
        }
        return samples;
    }

    private static void Until(Func<bool> holds)
    {
        var limit = DateTime.UtcNow.AddMinutes(3);
        while (!holds())
        {
            if (DateTime.UtcNow > limit)
            {
                throw new TimeoutException("it never came; the log: " + string.Join("; ", Engine.Log.ToArray()));
            }
            Engine.Tick(0.0);
            Thread.Sleep(2);
        }
    }
}
