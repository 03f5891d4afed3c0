using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Genlock;

/// <summary>
/// A headset without a head, for tests of the package against a real daemon. It uses public members only, streams frames at a
/// steady rate, sends every kind of message, and prints what happens, a line each: a word, then what it is about.
/// Options: --url, --user, --token, --seconds, --hz.
/// </summary>
internal sealed class Headset
{
    private readonly Dictionary<string, string> _options = new Dictionary<string, string>
    {
        { "--url", "ws://127.0.0.1:8765" }, { "--user", "ada" }, { "--token", "" }, { "--seconds", "10" }, { "--hz", "90" },
    };

    private readonly TrackingFrame _frame = new TrackingFrame();
    private readonly WirePose[] _joints = new WirePose[Protocol.Joints];
    private readonly List<double> _roundTrips = new List<double>();
    private readonly List<Task> _asked = new List<Task>();
    private readonly int _mainThread = Thread.CurrentThread.ManagedThreadId;
    private GenlockSession _session;
    private long _lastQ = -1;
    private long _lastNumber;
    private int _said;
    private int _understood;
    private int _performed;
    private int _faults;
    private string _taught = "";

    private static int Main(string[] arguments)
    {
        Thread.CurrentThread.CurrentCulture = CultureInfo.InvariantCulture;
        return new Headset(arguments).Run();
    }

    private Headset(string[] arguments)
    {
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            _options[arguments[i]] = arguments[i + 1];
        }
    }

    private int Run()
    {
        var seconds = double.Parse(_options["--seconds"]);
        var hz = double.Parse(_options["--hz"]);
        _session = new GenlockSession(Options(hz));
        Listen();
        Ask("scene", _session.SetSceneAsync(Scene()));
        _session.Connect();
        var clock = Stopwatch.StartNew();
        var frames = (int)(seconds * hz);
        for (var i = 0; i < frames && _session.State != SessionState.Ended; i++)
        {
            _session.Pump();
            Track(i);
            _session.SendFrame(_frame, GenlockSession.Microseconds());
            if (_session.Welcome != null)
            {
                Talk(i, (int)hz);
            }
            var due = (i + 1) * 1000.0 / hz - clock.Elapsed.TotalMilliseconds;
            if (due > 0)
            {
                Thread.Sleep((int)due);
            }
        }
        Finish();
        return 0;
    }

    private SessionOptions Options(double hz)
    {
        var colour = new ArgumentInfo { Name = "colour", Values = new[] { "red", "blue" }, Required = true };
        return new SessionOptions
        {
            Url = new Uri(_options["--url"]),
            User = _options["--user"],
            Token = _options["--token"],
            RefreshHz = hz,
            Audio = true,
            Images = true,
            Device = new DeviceInfo { Name = "headset.exe", Engine = "Mono " + Environment.Version },
            App = new AppInfo
            {
                Name = "shop",
                Actions = new[]
                {
                    new ActionInfo
                    {
                        Name = "take",
                        Phrases = new[] { "pick up {target}", "take {target}", "grab {target}", "give me {target}" },
                        Target = TargetUse.Required,
                    },
                    new ActionInfo
                    {
                        Name = "paint",
                        Phrases = new[] { "paint {target} {colour}", "make {target} {colour}" },
                        Target = TargetUse.Required,
                        Arguments = new[] { colour },
                    },
                    new ActionInfo { Name = "undo", Phrases = new[] { "undo", "take that back" } },
                },
            },
        };
    }

    private static List<Target> Scene()
    {
        return new List<Target>
        {
            new Target { Id = "k", X = 0f, Y = 1f, Z = -1f, Name = "Kettle" },
            new Target { Id = "m1", X = 1f, Y = 1f, Z = -1f, Name = "Red mug" },
            new Target { Id = "m2", X = -1f, Y = 1f, Z = -1f, Name = "Blue mug", Aliases = new[] { "cup" } },
        };
    }

    private void Listen()
    {
        _session.StateChanged += state => Print("state", state.ToString());
        _session.Welcomed += welcome => Print("welcome", welcome.Restored ? "restored" : welcome.Resumed ? "resumed" : "new");
        _session.ErrorReceived += error => Print("error", error.Code + " " + error.Of + " " + error.Message);
        _session.NoticeReceived += notice => Print("notice", notice.Code);
        _session.HandlerFailed += problem => Fault("a handler threw: " + problem);
        _session.Closed += closing =>
            Print("closed", closing.Code + " " + (closing.TriesAgain ? "again" : "over") + " " + closing.Reason + " | " + closing.Advice);
        _session.ActionReceived += TakeAction;
        _session.Answered += TakeAnswer;
        _session.Welcomed += welcome =>
        {
            if (!welcome.Resumed)
            {
                _lastNumber = 0;
            }
        };
    }

    private void TakeAction(GenlockAction action)
    {
        OnMain();
        // What was started with a daemon that is gone is canceled by the client, under its own number.
        if (action.Number <= _lastNumber && action.Phase != ActionPhase.Canceled)
        {
            Fault("action " + action.Number + " after " + _lastNumber);
        }
        _lastNumber = Math.Max(_lastNumber, action.Number);
        _performed += action.Phase == ActionPhase.Performed ? 1 : 0;
        Print("action", action.Phase + " " + action.Name + " " + action.Target);
    }

    private void TakeAnswer(Answer answer)
    {
        OnMain();
        if (answer.Q <= _lastQ)
        {
            Fault("answer " + answer.Q + " after " + _lastQ);
        }
        _lastQ = answer.Q;
        WirePose pose;
        if (!answer.TryGetForecast(Devices.Head, 1, out pose) || !pose.IsValid)
        {
            Fault("no forecast of the head");
        }
        _roundTrips.Add(_session.RoundTripMs);
    }

    /// <summary>What is tracked in a frame: now and then only the head, as hands leave the view.</summary>
    private void Track(int i)
    {
        var x = 0.1f * (float)Math.Sin(i / 90.0);
        _frame.Clear();
        _frame.SetPose(Parts.Head, new WirePose(x, 1.6f, 0f, 0f, 0f, 0f, 1f));
        if (i / 90 % 4 == 3)
        {
            return;
        }
        _frame.SetPose(Parts.Gaze, new WirePose(x, 1.6f, 0f, 0f, 0f, 0f, 1f));
        _frame.SetPose(Parts.RightAim, new WirePose(0.2f + x, 1.2f, -0.3f, 0f, 0f, 0f, 1f));
        _frame.SetPose(Parts.RightGrip, new WirePose(0.2f + x, 1.2f, -0.3f, 0f, 0f, 0f, 1f));
        _frame.SetButtons(Parts.RightButtons, new Buttons { Trigger = 0.5f, Primary = i % 2 == 0 });
        for (var joint = 0; joint < _joints.Length; joint++)
        {
            _joints[joint] = new WirePose(-0.2f + x, 1.2f, -0.3f - 0.01f * joint, 0f, 0f, 0f, 1f);
        }
        _frame.SetHand(Parts.LeftHand, _joints);
    }

    /// <summary>A message of another kind now and then; an utterance each second.</summary>
    private void Talk(int i, int hz)
    {
        if (i % hz == hz / 2)
        {
            Say(_said % 2 == 0 ? "pick up the kettle" : "paint the red mug blue");
        }
        switch (i % (10 * hz) - 2 * hz)
        {
            case 0:
                Ask("update", _session.UpdateSceneAsync(
                    new[] { new Target { Id = "k", X = 0.1f, Y = 1f, Z = -1f, Name = "Kettle" } }, new string[0]));
                break;
            case 10:
                var teaching = _session.TeachPhraseAsync("undo", "oh dear me");
                teaching.ContinueWith(done => _taught = done.Result, TaskContinuationOptions.OnlyOnRanToCompletion);
                Ask("teach", teaching);
                break;
            case 20:
                Ask("name", _session.TeachNameAsync("k", "boiler"));
                break;
            case 30:
                Ask("gesture", _session.TeachGestureAsync("hook", GestureDevice.Right, new[] { Example() }));
                break;
            case 40:
                Ask("confirm", _session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Confirm, Target = "k" }));
                break;
            case 60:
                Ask("take back", _session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Undo, Of = _taught }));
                break;
            case 70:
                Ask("export", Export());
                break;
            case 80:
                _session.SendAudio(GenlockSession.Microseconds(), new byte[640], 0, 640, true);
                _session.SendImage(GenlockSession.Microseconds(), ImageFormat.Rgb, 2, 1, new byte[6]);
                break;
        }
    }

    private byte[] Example()
    {
        var recorder = new GestureRecorder();
        for (var moment = 0; moment < 60; moment++)
        {
            var angle = (float)(Math.PI * moment / 60.0);
            recorder.Add(
                moment * 11111L,
                new WirePose(0.2f * (float)Math.Cos(angle), 1.2f + 0.2f * (float)Math.Sin(2.0 * angle), -0.4f, 0f, 0f, 0f, 1f));
        }
        return recorder.Finish();
    }

    private async Task Export()
    {
        var profile = await _session.ProfileAsync(ProfileOperation.Export);
        Print("exported", profile.Length > 0 ? "something" : "nothing");
    }

    private async void Say(string text)
    {
        _said++;
        try
        {
            var understood = await _session.SayAsync(text);
            OnMain();
            var performed = understood.Actions.Count(action => action.Phase == ActionPhase.Performed);
            if (performed != 1)
            {
                Fault("\"" + text + "\" was performed " + performed + " times: " + string.Join(
                    ", ", understood.Notices.Select(notice => notice.Code + " " + notice.Message)));
            }
            _understood++;
        }
        catch (GenlockException problem)
        {
            Fault("\"" + text + "\": " + problem.Code + " " + problem.Message);
        }
    }

    private void Ask(string what, Task task)
    {
        _asked.Add(task);
        task.ContinueWith(
            done => Print("done", what + (done.IsFaulted ? " " + ((GenlockException)done.Exception.InnerException).Code : " ok")),
            TaskContinuationOptions.ExecuteSynchronously);
    }

    private void Finish()
    {
        Wait(() => _understood == _said && _asked.All(task => task.IsCompleted));
        var open = _asked.Count(task => !task.IsCompleted) + _said - _understood;
        var closing = _session.CloseAsync("done");
        Wait(() => closing.IsCompleted);
        _session.Dispose();
        _roundTrips.Sort();
        Print("open", open.ToString());
        Print("said", _said + " performed " + _performed);
        Print("frames", _session.FramesSent + " answers " + _session.AnswersReceived);
        Print("reconnects", _session.Reconnects.ToString());
        if (_roundTrips.Count > 0)
        {
            Print("p50", Quantile(0.5));
            Print("p99", Quantile(0.99));
        }
        Print("faults", _faults.ToString());
        Print("end", "");
    }

    private string Quantile(double share)
    {
        return _roundTrips[(int)(share * (_roundTrips.Count - 1))].ToString("0.000");
    }

    private void Wait(Func<bool> done)
    {
        for (var i = 0; i < 3000 && !done() && _session.State != SessionState.Ended; i++)
        {
            _session.Pump();
            Thread.Sleep(10);
        }
    }

    private void OnMain()
    {
        if (Thread.CurrentThread.ManagedThreadId != _mainThread)
        {
            Fault("an event on another thread");
        }
    }

    private void Fault(string words)
    {
        _faults++;
        Print("fault", words);
    }

    private static void Print(string word, string about)
    {
        Console.WriteLine((word + " " + about).Trim());
    }
}
