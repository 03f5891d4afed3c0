using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Genlock.Tests.PublicApi
{
    /// <summary>
    /// The core as an app without Unity would use it, with public members only, against the daemon at GENLOCK_URL.
    /// </summary>
    public sealed class SessionUseTests
    {
        private GenlockSession _session;

        [TearDown]
        public void End()
        {
            if (_session != null)
            {
                _session.Dispose();
                _session = null;
            }
        }

        [Test]
        public void SayIt()
        {
            Begin("say");
            Done(_session.SetSceneAsync(new[] { new Target { Id = "k", Y = 1f, Z = -1f, Name = "Kettle" } }));
            var understood = Done(_session.SayAsync("pick up the kettle"));
            Assert.AreEqual("take", understood.Performed.Name);
            Assert.AreEqual("k", understood.Performed.Target);
            Assert.Greater(understood.Performed.Confidence, 0.5);
        }

        [Test]
        public void WhatIsMissingIsAskedForAndGiven()
        {
            Begin("missing");
            Done(_session.SetSceneAsync(new[] { new Target { Id = "k", Name = "Kettle" } }));
            var started = Done(_session.SayAsync("paint the kettle"));
            Assert.AreEqual(ActionPhase.Started, started.Actions.Single().Phase);
            Assert.AreEqual(NoticeCodes.WhichArgument, started.Notices.Single().Code);
            var performed = Done(_session.SayAsync("blue")).Performed;
            Assert.AreEqual("blue", performed.Text("colour"));
            Assert.AreEqual("grey", performed.Text("gloss", "grey"));
            Assert.AreEqual(0.5, performed.Amount("level", 0.5));
        }

        [Test]
        public void TeachAndTakeBack()
        {
            Begin("teach");
            Assert.IsNull(Done(_session.SayAsync("abracadabra")).Performed);
            var taught = Done(_session.TeachPhraseAsync("undo", "abracadabra"));
            Assert.AreEqual("undo", Done(_session.SayAsync("abracadabra")).Performed.Name);
            Done(_session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Undo, Of = taught }));
            Assert.IsNull(Done(_session.SayAsync("abracadabra")).Performed);
        }

        [Test]
        public void APhraseMayAlwaysMeanOneTarget()
        {
            Begin("favourite");
            Done(_session.SetSceneAsync(new[] { new Target { Id = "k", Name = "Kettle" }, new Target { Id = "m", Name = "Mug" } }));
            Done(_session.TeachPhraseAsync("take", "fetch my darling", "m"));
            var performed = Done(_session.SayAsync("fetch my darling")).Performed;
            Assert.AreEqual("take", performed.Name);
            Assert.AreEqual("m", performed.Target);
        }

        [Test]
        public void KeepForgetAndPause()
        {
            Begin("profile");
            Done(_session.TeachPhraseAsync("undo", "hocus pocus"));
            var kept = Done(_session.ProfileAsync(ProfileOperation.Export));
            Assert.Greater(kept.Length, 0);
            Done(_session.ProfileAsync(ProfileOperation.Reset, ProfileKind.Phrase));
            Assert.IsNull(Done(_session.SayAsync("hocus pocus")).Performed);
            Done(_session.ProfileAsync(ProfileOperation.Import, ProfileKind.All, kept));
            Assert.AreEqual("undo", Done(_session.SayAsync("hocus pocus")).Performed.Name);
            Done(_session.ProfileAsync(ProfileOperation.PauseLearning));
            var refused = _session.TeachPhraseAsync("undo", "simsalabim");
            Until(() => refused.IsCompleted);
            Assert.AreEqual(ErrorCodes.LearningOff, ((GenlockException)refused.Exception.InnerException).Code);
            Done(_session.ProfileAsync(ProfileOperation.ResumeLearning));
            Done(_session.ProfileAsync(ProfileOperation.Erase));
        }

        [Test]
        public void FramesAndForecasts()
        {
            Begin("frames");
            Answer last = null;
            var trip = 0.0;
            _session.Answered += answer =>
            {
                last = answer;
                trip = _session.RoundTripMs;
            };
            var frame = new TrackingFrame();
            frame.SetPose(Parts.Head, new WirePose(0f, 1.6f, 0f, 0f, 0f, 0f, 1f));
            frame.SetPose(Parts.RightAim, new WirePose(0.2f, 1.2f, -0.3f, 0f, 0f, 0f, 1f));
            frame.SetButtons(Parts.RightButtons, new Buttons { Trigger = 1f });
            var q = _session.SendFrame(frame, GenlockSession.Microseconds());
            Until(() => last != null);
            Assert.AreEqual(q, last.Q);
            Assert.AreEqual(Devices.Head | Devices.RightHand, last.Devices);
            Assert.AreEqual(2, last.HorizonCount);
            WirePose pose;
            Assert.IsTrue(last.TryGetForecast(Devices.RightHand, 1, out pose));
            Assert.IsFalse(last.TryGetForecast(Devices.LeftHand, 0, out pose));
            Assert.IsFalse(last.TryGetForecast(Devices.Head, 2, out pose));
            Assert.GreaterOrEqual(trip, 0.0);
        }

        [Test]
        public void AGestureIsTaught()
        {
            Begin("gesture");
            var recorder = new GestureRecorder();
            for (var i = 0; i < 60; i++)
            {
                var angle = Math.PI * i / 30.0;
                recorder.Add(
                    i * 11111L,
                    new WirePose(
                        0.2f * (float)Math.Cos(angle), 1.2f + 0.2f * (float)Math.Sin(2.0 * angle), -0.4f, 0f, 0f, 0f, 1f));
            }
            Assert.IsNotEmpty(Done(_session.TeachGestureAsync("hook", GestureDevice.Right, new[] { recorder.Finish() })));
        }

        [Test]
        public void AnAppSaysWhatItWantsToSee()
        {
            var app = new AppInfo { Name = "look", Bystanders = Bystanders.Ignored };
            app.Actions.Add(new ActionInfo { Name = "note", Sees = new[] { "*" } });
            Assert.IsEmpty(AppCheck.Mistakes(app));
            Begin("sight", app);
            Assert.IsNotNull(_session.Welcome);
            // Two dots are no file; a daemon that does not see says so, and one that does that it is none.
            DaemonError refused = null;
            _session.ErrorReceived += error => refused = error;
            var taught = _session.TeachObjectAsync("badge", new[] { new byte[] { 1, 2 } });
            Until(() => taught.IsCompleted);
            Assert.IsTrue(taught.IsFaulted);
            Assert.AreEqual("teach", refused.Of);
        }

        [Test]
        public void NobodyThere()
        {
            var closings = new List<Closing>();
            _session = new GenlockSession(
                new SessionOptions { Url = new Uri("ws://127.0.0.1:9"), User = "nobody", App = new AppInfo { Name = "test" } });
            _session.Closed += closings.Add;
            _session.Connect();
            Until(() => closings.Count == 2);
            StringAssert.Contains("127.0.0.1:9", closings[0].Reason);
            StringAssert.Contains("Is the daemon running", closings[0].Advice);
            Assert.IsTrue(closings[0].TriesAgain);
        }

        [Test]
        public void OptionsThatCannotBe()
        {
            Assert.Throws<GenlockException>(() => new GenlockSession(new SessionOptions { App = new AppInfo { Name = "a" } }));
            Assert.Throws<GenlockException>(() => new GenlockSession(new SessionOptions { User = "a" }));
            Assert.Throws<GenlockException>(
                () => new GenlockSession(
                    new SessionOptions { User = "a", App = new AppInfo { Name = "a" }, Url = new Uri("http://127.0.0.1") }));
        }

        [Test]
        public void ClosingIsAwaited()
        {
            Begin("close");
            Closing last = null;
            _session.Closed += closing => last = closing;
            var closed = _session.CloseAsync("the app ends");
            Until(() => closed.IsCompleted);
            Assert.AreEqual(CloseCodes.Normal, last.Code);
            Assert.IsFalse(last.TriesAgain);
            Assert.AreEqual(SessionState.Ended, _session.State);
        }

        private void Begin(string user, AppInfo app = null)
        {
            var url = Environment.GetEnvironmentVariable("GENLOCK_URL");
            if (string.IsNullOrEmpty(url))
            {
                Assert.Ignore("no daemon: set GENLOCK_URL, such as ws://127.0.0.1:8765");
            }
            _session = new GenlockSession(
                new SessionOptions
                {
                    Url = new Uri(url),
                    User = "public-" + user,
                    App = app ?? new AppInfo
                    {
                        Name = "shop",
                        Actions = new[]
                        {
                            new ActionInfo
                            {
                                Name = "take", Phrases = new[] { "pick up {target}", "take {target}" }, Target = TargetUse.Required,
                            },
                            new ActionInfo
                            {
                                Name = "paint",
                                Phrases = new[] { "paint {target} {colour}", "make {target} {colour}" },
                                Target = TargetUse.Required,
                                Arguments = new[]
                                {
                                    new ArgumentInfo { Name = "colour", Values = new[] { "red", "blue" }, Required = true },
                                },
                            },
                            new ActionInfo { Name = "undo", Phrases = new[] { "undo", "take that back" }, Gestures = new[] { "*" } },
                        },
                    },
                });
            _session.Connect();
            Until(() => _session.State == SessionState.Connected);
        }

        private T Done<T>(Task<T> task)
        {
            Until(() => task.IsCompleted);
            return task.Result;
        }

        private void Done(Task task)
        {
            Until(() => task.IsCompleted);
            task.Wait();
        }

        private void Until(Func<bool> holds)
        {
            var limit = DateTime.UtcNow.AddMinutes(3);
            while (!holds())
            {
                Assert.Less(DateTime.UtcNow, limit, "it never came");
                _session.Pump();
                Thread.Sleep(2);
            }
        }
    }
}
