using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;
using Genlock;

/// <summary>
/// What a frame costs: bytes that are allocated and round trips, of the package or of a bare loop over ClientWebSocket that sends
/// the same bytes and reads the answers. Arguments: package or bare, the daemon's address, frames a second, frames, bytes of the
/// nursery of the garbage collector. It prints: frames, answers, bytes a frame, p50 and p99 in milliseconds.
/// </summary>
internal static class Cost
{
    private const int Warm = 300;
    private const int QAt = 4;
    private const int TAt = 15;

    private static int Main(string[] arguments)
    {
        var url = new Uri(arguments[1]);
        var hz = int.Parse(arguments[2]);
        var frames = int.Parse(arguments[3]);
        var nursery = long.Parse(arguments[4]);
        var result = arguments[0] == "package" ? Package(url, hz, frames) : Bare(url, hz, frames);
        result.Trips.Sort();
        Console.WriteLine(
            string.Format(
                CultureInfo.InvariantCulture, "{0} {1} {2:0} {3:0.000} {4:0.000}", frames, result.Trips.Count,
                (double)result.Collections * nursery / frames, result.Trips[result.Trips.Count / 2],
                result.Trips[(int)(0.99 * (result.Trips.Count - 1))]));
        return 0;
    }

    private static Result Package(Uri url, int hz, int frames)
    {
        var result = new Result(frames);
        var session = new GenlockSession(
            new SessionOptions { Url = url, User = "cost", App = new AppInfo { Name = "cost" }, RefreshHz = Math.Min(hz, 240) });
        session.Answered += answer => result.Add(session.RoundTripMs);
        session.Connect();
        while (session.State != SessionState.Connected)
        {
            session.Pump();
            Thread.Sleep(5);
        }
        var frame = new TrackingFrame();
        var joints = new WirePose[Protocol.Joints];
        Pace(
            hz, frames, result,
            i =>
            {
                Fill(frame, joints, i);
                session.Pump();
                session.SendFrame(frame, GenlockSession.Microseconds());
            });
        session.Pump();
        session.Dispose();
        return result;
    }

    private static Result Bare(Uri url, int hz, int frames)
    {
        var result = new Result(frames);
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(Protocol.Subprotocol);
        socket.ConnectAsync(url, CancellationToken.None).Wait();
        var hello = Hello();
        socket.SendAsync(new ArraySegment<byte>(hello), WebSocketMessageType.Binary, true, CancellationToken.None).Wait();
        var buffer = new byte[65536];
        socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None).Wait();
        var sent = new long[256];
        var reading = ReadAsync(socket, buffer, sent, result);
        var message = Frame();
        Pace(
            hz, frames, result,
            i =>
            {
                Big(message, QAt, i + 1);
                Big(message, TAt, GenlockSession.Microseconds());
                sent[(i + 1) % sent.Length] = Stopwatch.GetTimestamp();
                socket.SendAsync(new ArraySegment<byte>(message), WebSocketMessageType.Binary, true, CancellationToken.None);
            });
        socket.Abort();
        socket.Dispose();
        reading.Wait();
        return result;
    }

    private static async Task ReadAsync(ClientWebSocket socket, byte[] buffer, long[] sent, Result result)
    {
        try
        {
            while (true)
            {
                await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None).ConfigureAwait(false);
                var ticks = Stopwatch.GetTimestamp() - sent[Q(buffer) % sent.Length];
                result.Add(ticks * 1000.0 / Stopwatch.Frequency);
            }
        }
        catch (Exception)
        {
            // The socket was broken off: the end.
        }
    }

    private static void Pace(int hz, int frames, Result result, Action<int> step)
    {
        var clock = new Stopwatch();
        var before = 0;
        clock.Start();
        for (var i = 0; i < Warm + frames; i++)
        {
            if (i == Warm)
            {
                GC.Collect();
                before = GC.CollectionCount(0);
                result.Begin();
            }
            step(i);
            var due = (i + 1) * 1000.0 / hz - clock.Elapsed.TotalMilliseconds;
            if (due > 0)
            {
                Thread.Sleep((int)due);
            }
        }
        result.Collections = GC.CollectionCount(0) - before;
        Thread.Sleep(200);
    }

    /// <summary>Head, both controllers' poses and buttons, and both hands: 1688 bytes less the gaze.</summary>
    private static void Fill(TrackingFrame frame, WirePose[] joints, int i)
    {
        var pose = new WirePose(0.001f * (i % 100), 1.6f, 0f, 0f, 0f, 0f, 1f);
        frame.Clear();
        frame.SetPose(Parts.Head, pose);
        frame.SetPose(Parts.LeftAim, pose);
        frame.SetPose(Parts.RightAim, pose);
        frame.SetPose(Parts.LeftGrip, pose);
        frame.SetPose(Parts.RightGrip, pose);
        frame.SetButtons(Parts.LeftButtons, default(Buttons));
        frame.SetButtons(Parts.RightButtons, default(Buttons));
        for (var joint = 0; joint < joints.Length; joint++)
        {
            joints[joint] = pose;
        }
        frame.SetHand(Parts.LeftHand, joints);
        frame.SetHand(Parts.RightHand, joints);
    }

    private static byte[] Hello()
    {
        var bytes = new List<byte> { 0x84 };
        Text(bytes, "type");
        Text(bytes, "hello");
        Text(bytes, "version");
        Text(bytes, "1.0");
        Text(bytes, "app");
        bytes.Add(0x81);
        Text(bytes, "name");
        Text(bytes, "cost");
        Text(bytes, "user");
        Text(bytes, "bare");
        return bytes.ToArray();
    }

    /// <summary>The same frame with q and t first and in eight bytes each, so that they can be written over.</summary>
    private static byte[] Frame()
    {
        var bytes = new List<byte> { 0x85 };
        Text(bytes, "q");
        bytes.Add(0xcf);
        bytes.AddRange(new byte[8]);
        Text(bytes, "t");
        bytes.Add(0xcf);
        bytes.AddRange(new byte[8]);
        Text(bytes, "type");
        Text(bytes, "frame");
        Text(bytes, "m");
        bytes.AddRange(new byte[] { 0xcd, 0x03, 0xfd });
        Text(bytes, "d");
        bytes.AddRange(new byte[] { 0xc5, 0x06, 0x7c });
        for (var part = 0; part < 5; part++)
        {
            bytes.AddRange(Pose());
        }
        bytes.AddRange(new byte[64]);
        for (var joint = 0; joint < 52; joint++)
        {
            bytes.AddRange(Pose());
        }
        return bytes.ToArray();
    }

    private static byte[] Pose()
    {
        var pose = new byte[28];
        Buffer.BlockCopy(new[] { 0f, 1.6f, 0f, 0f, 0f, 0f, 1f }, 0, pose, 0, 28);
        return pose;
    }

    private static void Text(List<byte> bytes, string text)
    {
        bytes.Add((byte)(0xa0 | text.Length));
        foreach (var letter in text)
        {
            bytes.Add((byte)letter);
        }
    }

    private static void Big(byte[] bytes, int at, long value)
    {
        for (var i = 0; i < 8; i++)
        {
            bytes[at + i] = (byte)(value >> (56 - 8 * i));
        }
    }

    /// <summary>The q of an answer: after the map's head, "type", "actions" and "q".</summary>
    private static long Q(byte[] bytes)
    {
        var at = 1 + 5 + 8 + 2;
        var format = bytes[at];
        return format < 0x80 ? format : format == 0xcc ? bytes[at + 1] : bytes[at + 1] << 8 | bytes[at + 2];
    }

    private sealed class Result
    {
        private bool _begun;

        internal Result(int frames)
        {
            Trips = new List<double>(2 * frames);
        }

        internal List<double> Trips { get; }

        internal int Collections { get; set; }

        internal void Begin()
        {
            _begun = true;
        }

        internal void Add(double milliseconds)
        {
            if (_begun)
            {
                Trips.Add(milliseconds);
            }
        }
    }
}
