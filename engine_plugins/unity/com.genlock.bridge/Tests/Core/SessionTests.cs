using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>A session against a daemon in the test's own hands.</summary>
    public sealed class SessionTests
    {
        [Test]
        public void EventsComeInOrderOnTheCallersThreadAndTheEndLast()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            var threads = new HashSet<int>();
            session.NoticeReceived += notice => Note(seen, threads, notice.Code);
            session.ActionReceived += action => Note(seen, threads, action.Name);
            session.Closed += closing => Note(seen, threads, "closed " + closing.Code);
            daemon.Socket.Say("type", "notice", "code", "first", "message", "");
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "second"));
            daemon.Socket.Say("type", "notice", "code", "third", "message", "");
            daemon.Socket.End(CloseCodes.SlowReader);
            FakeDaemon.Pump(session, () => session.State == SessionState.Waiting);
            CollectionAssert.AreEqual(new[] { "first", "second", "third", "closed 4007" }, seen);
            CollectionAssert.AreEqual(new[] { Thread.CurrentThread.ManagedThreadId }, threads);
            session.Dispose();
        }

        [Test]
        public void AnActionThatComesAgainIsNotRaisedAgain()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            session.ActionReceived += action => seen.Add(action.Name);
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "a"), FakeSocket.Action(2, "b"));
            FakeDaemon.Pump(session, () => seen.Count == 2);
            daemon.Drop(session);
            daemon.Welcome(session, true);
            daemon.Socket.SayActions(-1, FakeSocket.Action(2, "b"), FakeSocket.Action(3, "c"));
            FakeDaemon.Pump(session, () => seen.Count == 3);
            CollectionAssert.AreEqual(new[] { "a", "b", "c" }, seen);
            var hello = daemon.Socket.Sent("hello").Single();
            Assert.AreEqual("secret", hello["resume"]);
            Assert.AreEqual(2L, hello["last_n"]);
            session.Dispose();
        }

        [Test]
        public void AfterAResumeWhatWasNotAnsweredIsSentAgainOnceAndInOrder()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            session.SetSceneAsync(new[] { new Target { Id = "k" } });
            var said = session.SayAsync("one");
            session.SayAsync("two");
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 2);
            var ids = daemon.Socket.Sent("utterance").Select(message => (string)message["id"]).ToList();
            daemon.Socket.Say("type", "ack", "id", ids[0]);
            FakeDaemon.Pump(session, () => said.IsCompleted);
            daemon.Drop(session);
            daemon.Welcome(session, true);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 1);
            CollectionAssert.AreEqual(new[] { "hello", "scene", "utterance" }, daemon.Socket.SentTypes());
            Assert.AreEqual(ids[1], daemon.Socket.Sent("utterance").Single()["id"]);
            session.Dispose();
        }

        [Test]
        public void ANewSessionGetsOneWholeSceneBeforeAllElse()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            session.SetSceneAsync(new[] { new Target { Id = "a" }, new Target { Id = "b" } });
            var update = session.UpdateSceneAsync(new[] { new Target { Id = "c" } }, new[] { "a" });
            session.SayAsync("one");
            daemon.Drop(session);
            daemon.Welcome(session, false);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 1);
            CollectionAssert.AreEqual(new[] { "hello", "scene", "utterance" }, daemon.Socket.SentTypes());
            var scene = daemon.Socket.Sent("scene").Single();
            CollectionAssert.AreEqual(new[] { "b", "c" }, TargetsOf(scene));
            Assert.IsFalse(scene.ContainsKey("replace"));
            daemon.Socket.Say("type", "ack", "id", scene["id"], "scene", 1L);
            FakeDaemon.Pump(session, () => update.IsCompleted);
            session.Dispose();
        }

        [TestCase(false)]
        [TestCase(true)]
        public void WhatADaemonThatIsGonePerformedIsNotPerformedAgain(bool resumed)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var said = session.SayAsync("take it");
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 1);
            var id = (string)daemon.Socket.Sent("utterance").Single()["id"];
            var seen = 0;
            session.ActionReceived += action => seen++;
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "take", id));
            FakeDaemon.Pump(session, () => seen == 1);
            daemon.Drop(session);
            daemon.Welcome(session, resumed, resumed);
            FakeDaemon.Pump(session, () => said.IsCompleted);
            Assert.AreEqual("take", said.Result.Performed.Name);
            Assert.AreEqual(0, daemon.Socket.Sent("utterance").Count);
            session.Dispose();
        }

        [Test]
        public void ASessionThatARestartedDaemonGoesOnWithShowsItsSceneAndCountsItsActionsOn()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var shown = session.SetSceneAsync(new[] { new Target { Id = "a" } });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            daemon.Socket.Say("type", "ack", "id", daemon.Socket.Sent("scene").Single()["id"], "scene", 1L);
            FakeDaemon.Pump(session, () => shown.IsCompleted);
            var seen = new List<long>();
            session.ActionReceived += action => seen.Add(action.Number);
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "take", ""));
            FakeDaemon.Pump(session, () => seen.Count == 1);
            daemon.Drop(session);
            daemon.Welcome(session, true, true);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            Assert.AreEqual(1L, daemon.Socket.Sent("hello").Single()["last_n"]);
            Assert.IsTrue(session.Welcome.Restored);
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "take", ""));
            daemon.Socket.SayActions(-1, FakeSocket.Action(2, "take", ""));
            FakeDaemon.Pump(session, () => seen.Count == 2);
            CollectionAssert.AreEqual(new long[] { 1, 2 }, seen);
            session.Dispose();
        }

        [TestCase(true, false, 0)]
        [TestCase(true, true, 1)]
        [TestCase(false, false, 1)]
        public void WhatADaemonThatIsGoneStartedIsCanceled(bool resumed, bool restored, int canceled)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<GenlockAction>();
            session.ActionReceived += action => seen.Add(action);
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "take", "u", "started"));
            FakeDaemon.Pump(session, () => seen.Count == 1);
            daemon.Drop(session);
            daemon.Welcome(session, resumed, restored);
            daemon.Drop(session);
            daemon.Welcome(session, resumed, restored);
            var ends = seen.Skip(1).ToList();
            Assert.AreEqual(canceled, ends.Count);
            Assert.IsTrue(ends.All(action => action.Phase == ActionPhase.Canceled && action.Name == "take" && action.Of == "u"));
            Assert.AreEqual(ActionPhase.Started, seen[0].Phase);
            session.Dispose();
        }

        [Test]
        public void AnOlderAnswerThanTheLastIsNotUsed()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<long>();
            session.Answered += answer => seen.Add(answer.Q);
            foreach (var q in new long[] { 1, 3, 2, 4 })
            {
                daemon.Socket.SayActions(q);
            }
            FakeDaemon.Pump(session, () => session.AnswersReceived == 4);
            CollectionAssert.AreEqual(new long[] { 1, 3, 4 }, seen);
            session.Dispose();
        }

        [Test]
        public void TheTargetOfAnAnswerIsNamedByTheSceneThatItIsOf()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            session.Answered += answer => seen.Add(answer.TargetId);
            session.SetSceneAsync(new[] { new Target { Id = "a" }, new Target { Id = "b" } });
            session.UpdateSceneAsync(new Target[0], new[] { "a" });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 2);
            var scenes = daemon.Socket.Sent("scene");
            daemon.Socket.Say("type", "ack", "id", scenes[0]["id"], "scene", 1L);
            daemon.Socket.Say("type", "ack", "id", scenes[1]["id"], "scene", 2L);
            for (var scene = 0L; scene < 3; scene++)
            {
                daemon.Socket.Say(
                    "type", "actions", "q", scene + 1, "t", 0L, "m", 0L, "f", new byte[0], "k", 0L, "p", new byte[8], "s", scene);
            }
            FakeDaemon.Pump(session, () => seen.Count == 3);
            CollectionAssert.AreEqual(new[] { "", "a", "b" }, seen);
            session.Dispose();
        }

        [Test]
        public void ASceneThatIsRefusedIsTakenBackAndThoseBehindItCount()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            var refusals = new List<string>();
            session.Answered += answer => seen.Add(answer.TargetId);
            session.SceneRefused += refusals.Add;
            session.SetSceneAsync(new[] { new Target { Id = "a" }, new Target { Id = "b" } });
            var refused = session.UpdateSceneAsync(new[] { new Target { Id = "b", X = 1f }, new Target { Id = "bad" } }, new[] { "a" });
            var after = session.UpdateSceneAsync(new[] { new Target { Id = "c" } }, new string[0]);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 3);
            var scenes = daemon.Socket.Sent("scene");
            daemon.Socket.Say("type", "ack", "id", scenes[0]["id"], "scene", 1L);
            daemon.Socket.Say(
                "type", "error", "code", "invalid", "message", "no", "key", "targets[1].position[0]", "id", scenes[1]["id"]);
            daemon.Socket.Say("type", "ack", "id", scenes[2]["id"], "scene", 2L);
            for (var index = 0L; index < 4; index++)
            {
                daemon.Socket.Say(
                    "type", "actions", "q", index + 1, "t", 0L, "m", 0L, "f", new byte[0], "k", index, "p", new byte[8], "s", 2L);
            }
            FakeDaemon.Pump(session, () => seen.Count == 4);
            CollectionAssert.AreEqual(new[] { "a", "b", "c", "" }, seen);
            CollectionAssert.AreEqual(new[] { "bad" }, refusals);
            Assert.IsTrue(refused.IsFaulted);
            Assert.AreEqual(TaskStatus.RanToCompletion, after.Status);
            daemon.Drop(session);
            daemon.Welcome(session, false);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            CollectionAssert.AreEqual(new[] { "a", "b", "c" }, TargetsOf(daemon.Socket.Sent("scene").Single()));
            session.Dispose();
        }

        [Test]
        public void AWholeSceneThatIsRefusedLeavesTheOneBefore()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            session.SetSceneAsync(new[] { new Target { Id = "a" } });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            daemon.Socket.Say("type", "ack", "id", daemon.Socket.Sent("scene")[0]["id"], "scene", 1L);
            var refused = session.SetSceneAsync(new[] { new Target { Id = "b" } });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 2);
            daemon.Socket.Say("type", "error", "code", "invalid", "message", "no", "id", daemon.Socket.Sent("scene")[1]["id"]);
            FakeDaemon.Pump(session, () => refused.IsFaulted);
            daemon.Drop(session);
            daemon.Welcome(session, false);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            CollectionAssert.AreEqual(new[] { "a" }, TargetsOf(daemon.Socket.Sent("scene").Single()));
            session.Dispose();
        }

        [TestCase("position", 20000f, 0.1f, "", 0, "10000 m")]
        [TestCase("position", float.NaN, 0.1f, "", 0, "10000 m")]
        [TestCase("size", 0f, -1f, "", 0, "edge")]
        [TestCase("size", 0f, float.PositiveInfinity, "", 0, "edge")]
        [TestCase("name", 0f, 0.1f, "long", 0, "256")]
        [TestCase("aliases", 0f, 0.1f, "", 17, "17 aliases")]
        public void ATargetThatNoDaemonWouldTakeIsRefusedBeforeItIsSent(
            string what, float x, float width, string name, int aliases, string words)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var target = new Target
            {
                Id = "t", X = x, Width = width, Name = name.Length > 0 ? new string('x', 257) : "",
                Aliases = Enumerable.Repeat("one", aliases).ToArray(),
            };
            var problem = Assert.Throws<GenlockException>(() => session.SetSceneAsync(new[] { new Target { Id = "a" }, target }));
            StringAssert.Contains(words, problem.Message, what);
            Assert.AreEqual("targets[1]", problem.Key);
            Assert.AreEqual(0, session.Unanswered);
            session.Dispose();
        }

        [Test]
        public void UpdatesThatTogetherWouldNotFitInOneMessageAreRefused()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var aliases = Enumerable.Repeat(new string('x', 256), 16).ToArray();
            var sent = 0;
            var problem = Assert.Throws<GenlockException>(
                () =>
                {
                    for (; sent < 64; sent++)
                    {
                        session.UpdateSceneAsync(new[] { new Target { Id = "t" + sent, Aliases = aliases } }, new string[0]);
                    }
                });
            Assert.AreEqual(ErrorCodes.TooBig, problem.Code);
            Assert.Greater(sent, 10);
            daemon.Drop(session);
            daemon.Welcome(session, false);
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            Assert.AreEqual(sent, TargetsOf(daemon.Socket.Sent("scene").Single()).Count);
            session.Dispose();
        }

        [Test]
        public void AFrameThatStillWaitsIsReplacedByANewerOneAndNothingElseIs()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var frame = new TrackingFrame();
            daemon.Socket.Stall();
            session.SendFrame(frame, 10);
            session.SendFrame(frame, 20);
            session.SendFrame(frame, 30);
            session.SayAsync("now");
            session.SendFrame(frame, 40);
            session.SendFrame(frame, 50);
            Assert.AreEqual(1, daemon.Socket.Sent("frame").Count);
            daemon.Socket.Flow();
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("frame").Count == 3);
            CollectionAssert.AreEqual(new[] { "hello", "frame", "frame", "utterance", "frame" }, daemon.Socket.SentTypes());
            CollectionAssert.AreEqual(new long[] { 10, 30, 50 }, daemon.Socket.Sent("frame").Select(sent => (long)sent["t"]));
            session.Dispose();
        }

        [Test]
        public void FramesAreNumberedOnAndTheirTimesNeverStandStill()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var frame = new TrackingFrame();
            session.SendFrame(frame, 100);
            session.SendFrame(frame, 100);
            session.SendFrame(frame, 50);
            daemon.Drop(session);
            Assert.AreEqual(-1, session.SendFrame(frame, 200), "nobody is there");
            daemon.Welcome(session, true);
            Assert.AreEqual(4, session.SendFrame(frame, 200));
            session.Dispose();
        }

        [Test]
        public void AFloodIsSentAgainLaterUnderTheSameId()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var errors = 0;
            session.ErrorReceived += error => errors++;
            session.SayAsync("one");
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 1);
            var id = (string)daemon.Socket.Sent("utterance").Single()["id"];
            daemon.Socket.Say("type", "error", "code", "flooding", "message", "later", "id", id);
            daemon.Socket.SayActions(1);
            FakeDaemon.Pump(session, () => session.AnswersReceived == 1);
            Assert.AreEqual(1, daemon.Socket.Sent("utterance").Count);
            daemon.Now += 1000000;
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count == 2);
            Assert.AreEqual(id, daemon.Socket.Sent("utterance")[1]["id"]);
            Assert.AreEqual(0, errors);
            session.Dispose();
        }

        [Test]
        public void AFewAtATimeAreOnTheirWay()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            for (var i = 0; i < 100; i++)
            {
                session.SayAsync("utterance " + i);
            }
            for (var answered = 0; answered < 100; answered++)
            {
                var due = Math.Min(100, answered + Outbox.Window);
                FakeDaemon.Pump(session, () => daemon.Socket.Sent("utterance").Count >= due);
                Assert.AreEqual(due, daemon.Socket.Sent("utterance").Count);
                daemon.Socket.Say("type", "ack", "id", daemon.Socket.Sent("utterance")[answered]["id"]);
                FakeDaemon.Pump(session, () => session.Unanswered == 99 - answered);
            }
            session.Dispose();
        }

        [Test]
        public void ARefusalIsAnExceptionAndAnEventWithTheDaemonsWords()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            DaemonError seen = null;
            session.ErrorReceived += error => seen = error;
            var teaching = session.TeachPhraseAsync("fire", "zap it");
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("teach").Count == 1);
            daemon.Socket.Say(
                "type", "error", "code", "learning_off", "message", "nothing may be learned", "of", "teach", "key", "kind", "id",
                daemon.Socket.Sent("teach").Single()["id"]);
            FakeDaemon.Pump(session, () => teaching.IsCompleted);
            var problem = (GenlockException)teaching.Exception.InnerException;
            Assert.AreEqual("learning_off", problem.Code);
            Assert.AreEqual("nothing may be learned", problem.Message);
            Assert.AreEqual("kind", problem.Key);
            Assert.AreEqual("teach", seen.Of);
            session.Dispose();
        }

        [TestCase(CloseCodes.Unauthorized, "Token")]
        [TestCase(CloseCodes.Version, "Update the older")]
        [TestCase(CloseCodes.HelloExpected, "report it")]
        [TestCase(CloseCodes.ResumedElsewhere, "Another connection")]
        public void SomeEndsAreForGoodAndSayWhatToDo(int code, string words)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            Closing seen = null;
            session.Closed += closing => seen = closing;
            var said = session.SayAsync("one");
            daemon.Socket.End(code);
            FakeDaemon.Pump(session, () => session.State == SessionState.Ended);
            Assert.IsFalse(seen.TriesAgain);
            StringAssert.Contains(words, seen.Advice);
            Assert.IsTrue(said.IsFaulted);
            StringAssert.Contains(words, said.Exception.InnerException.Message);
            daemon.Now += 60000000;
            session.Pump();
            Assert.AreEqual(1, daemon.Attempts);
        }

        [TestCase(ErrorCodes.Invalid)]
        [TestCase(ErrorCodes.TooBig)]
        public void AHelloThatIsRefusedIsNotSaidAgain(string code)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Session();
            var closings = new List<Closing>();
            session.Closed += closings.Add;
            var said = session.SayAsync("one");
            session.Connect();
            FakeDaemon.Pump(session, () => daemon.Socket != null && daemon.Socket.Sent("hello").Count == 1);
            daemon.Socket.Say("type", "error", "code", code, "message", "hello.app: no", "of", "hello", "key", "app");
            FakeDaemon.Pump(session, () => session.State == SessionState.Ended);
            Assert.AreEqual("hello.app: no", closings.Single().Reason);
            Assert.AreEqual(CloseCodes.HelloRefused, closings[0].Code);
            Assert.IsFalse(closings[0].TriesAgain);
            StringAssert.Contains("hello.app: no", said.Exception.InnerException.Message);
            daemon.Now += 60000000;
            session.Pump();
            Assert.AreEqual(1, daemon.Attempts);
        }

        [TestCase(ErrorCodes.Full, CloseCodes.TryAgainLater)]
        [TestCase(ErrorCodes.Internal, 1011)]
        [TestCase(ErrorCodes.HelloExpected, CloseCodes.Timeout)]
        [TestCase("something_newer", 4321)]
        public void AHelloThatMayBeTakenLaterIsSaidAgain(string code, int close)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Session();
            session.Connect();
            FakeDaemon.Pump(session, () => daemon.Socket != null && daemon.Socket.Sent("hello").Count == 1);
            daemon.Socket.Say("type", "error", "code", code, "message", "not now");
            var refusing = daemon.Socket;
            refusing.End(close);
            FakeDaemon.Pump(session, () => session.State == SessionState.Waiting);
            daemon.Now += 20000000;
            FakeDaemon.Pump(session, () => daemon.Socket != refusing);
            daemon.Welcome(session, false);
            session.Dispose();
        }

        [Test]
        public void PausesGrowUpToEightSecondsAndBeginAnewAfterAWelcome()
        {
            var daemon = new FakeDaemon { Refuses = true };
            var session = daemon.Session();
            var pauses = new List<double>();
            session.Closed += closing => pauses.Add(closing.RetryMs);
            session.Connect();
            for (var i = 1; i <= 9; i++)
            {
                FakeDaemon.Pump(session, () => pauses.Count == i);
                daemon.Now += 20000000;
            }
            var expected = 250.0;
            foreach (var pause in pauses)
            {
                Assert.GreaterOrEqual(pause, 0.5 * expected);
                Assert.LessOrEqual(pause, 1.5 * expected);
                expected = Math.Min(8000.0, 2.0 * expected);
            }
            Assert.AreNotEqual(1.0, pauses[1] / pauses[0] / 2.0, "there is chance in it");
            daemon.Refuses = false;
            daemon.Welcome(session, false);
            daemon.Socket.End(CloseCodes.Abnormal);
            FakeDaemon.Pump(session, () => pauses.Count == 10);
            Assert.LessOrEqual(pauses[9], 375.0);
            session.Dispose();
        }

        [Test]
        public void ADaemonThatStopsSaysWhenToComeAgain()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            Closing seen = null;
            session.Closed += closing => seen = closing;
            daemon.Socket.Say("type", "notice", "code", "draining", "message", "", "retry_ms", 5000L);
            daemon.Socket.End(CloseCodes.GoingAway);
            FakeDaemon.Pump(session, () => seen != null);
            Assert.GreaterOrEqual(seen.RetryMs, 5000.0);
            session.Dispose();
        }

        [TestCase(CloseCodes.TryAgainLater, 2000.0)]
        [TestCase(CloseCodes.Flooding, 1000.0)]
        public void ADaemonThatHasTooMuchIsGivenTime(int code, double least)
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            Closing seen = null;
            session.Closed += closing => seen = closing;
            daemon.Socket.End(code);
            FakeDaemon.Pump(session, () => seen != null);
            Assert.IsTrue(seen.TriesAgain);
            Assert.GreaterOrEqual(seen.RetryMs, least);
            session.Dispose();
        }

        [Test]
        public void SilenceForLongWhileFramesGoOutIsADeadConnection()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var frame = new TrackingFrame();
            for (var i = 0; i < 200; i++)
            {
                daemon.Now += 40000;
                session.SendFrame(frame, daemon.Now);
                session.Pump();
            }
            Assert.AreEqual(SessionState.Connected, session.State, "8 s are no reason");
            daemon.Now += 3000000;
            FakeDaemon.Pump(session, () => session.State == SessionState.Waiting);
            session.Dispose();
        }

        [Test]
        public void WhileTheEngineIsLostSilenceIsNoReason()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var heard = false;
            session.NoticeReceived += notice => heard = true;
            daemon.Socket.Say("type", "notice", "code", "engine_lost", "message", "");
            FakeDaemon.Pump(session, () => heard);
            for (var i = 0; i < 200; i++)
            {
                daemon.Now += 200000;
                session.SendFrame(new TrackingFrame(), daemon.Now);
                session.Pump();
            }
            Assert.AreEqual(SessionState.Connected, session.State);
            session.Dispose();
        }

        [Test]
        public void NoWelcomeWithinTenSecondsIsAnotherAttempt()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Session();
            session.Connect();
            FakeDaemon.Pump(session, () => daemon.Socket != null && daemon.Socket.Sent("hello").Count == 1);
            daemon.Now += 11000000;
            FakeDaemon.Pump(session, () => session.State == SessionState.Waiting);
            session.Dispose();
        }

        [Test]
        public void DisposingSaysByeAndLeavesNoSocket()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var said = session.SayAsync("one");
            session.Dispose();
            Assert.AreEqual("bye", daemon.Socket.SentTypes().Last());
            Assert.IsTrue(daemon.Socket.Disposed);
            Assert.AreEqual(SessionState.Ended, session.State);
            Assert.AreEqual("closed", ((GenlockException)said.Exception.InnerException).Code);
            Assert.Throws<GenlockException>(() => session.SetSceneAsync(new Target[0]));
            session.Dispose();
        }

        [Test]
        public void AHandlerThatThrowsHoldsNothingUp()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var failures = new List<string>();
            var seen = 0;
            session.HandlerFailed += problem => failures.Add(problem.Message);
            session.NoticeReceived += notice =>
            {
                seen++;
                throw new InvalidOperationException(notice.Code);
            };
            daemon.Socket.Say("type", "notice", "code", "one", "message", "");
            daemon.Socket.Say("type", "notice", "code", "two", "message", "");
            FakeDaemon.Pump(session, () => seen == 2);
            CollectionAssert.AreEqual(new[] { "one", "two" }, failures);
            session.Dispose();
        }

        [Test]
        public void AHandlerThatThrowsKeepsTheEventFromNoOther()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            session.HandlerFailed += problem => seen.Add(problem.Message);
            Action<GenlockAction> spoil = action => { throw new InvalidOperationException("no " + action.Name); };
            Action<Answer> spoilAnswer = answer => { throw new InvalidOperationException("no answer " + answer.Q); };
            session.ActionReceived += spoil;
            session.ActionReceived += action => seen.Add(action.Name);
            session.Answered += spoilAnswer;
            session.Answered += answer => seen.Add("answer " + answer.Q);
            daemon.Socket.SayActions(1, FakeSocket.Action(1, "a"));
            FakeDaemon.Pump(session, () => seen.Count == 4);
            CollectionAssert.AreEqual(new[] { "no a", "a", "no answer 1", "answer 1" }, seen);
            session.ActionReceived -= spoil;
            session.Answered -= spoilAnswer;
            daemon.Socket.SayActions(2, FakeSocket.Action(2, "b"));
            FakeDaemon.Pump(session, () => seen.Count == 6);
            CollectionAssert.AreEqual(new[] { "b", "answer 2" }, seen.GetRange(4, 2));
            session.Dispose();
        }

        [Test]
        public void AHandlerThatEndsTheSessionHearsNothingMore()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var seen = new List<string>();
            session.Answered += answer => seen.Add("answer");
            session.ActionReceived += action =>
            {
                seen.Add(action.Name);
                session.Dispose();
            };
            daemon.Socket.SayActions(1, FakeSocket.Action(1, "a"), FakeSocket.Action(2, "b"));
            FakeDaemon.Pump(session, () => session.State == SessionState.Ended);
            CollectionAssert.AreEqual(new[] { "a" }, seen);
        }

        [Test]
        public void WhatIsEndedByWhoAwaitedItStaysEnded()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var acted = false;
            session.ActionReceived += action => acted = true;
            Func<Task> end = async () =>
            {
                await session.SayAsync("take it");
                session.Dispose();
            };
            var ending = end();
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "take", (string)daemon.Socket.Sent("utterance").Single()["id"]));
            FakeDaemon.Pump(session, () => acted);
            daemon.Drop(session);
            var welcomes = 0;
            session.Welcomed += welcome => welcomes++;
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("hello").Count == 1);
            // The daemon that performed it is gone: it is done, in the midst of the welcome.
            daemon.Socket.Say("type", "welcome", "version", "1.0", "session", "s", "resume", "secret", "resumed", false);
            FakeDaemon.Pump(session, () => ending.IsCompleted);
            session.Pump();
            Assert.AreEqual(SessionState.Ended, session.State);
            Assert.AreEqual(0, welcomes);
        }

        [Test]
        public void WhatCannotBeReadIsAnErrorAndTheSessionGoesOn()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var errors = new List<string>();
            session.ErrorReceived += error => errors.Add(error.Code);
            daemon.Socket.SayBytes(new byte[] { 0xc1, 0x00 });
            daemon.Socket.Say("type", "something_new", "key", 1L);
            daemon.Socket.SayActions(1);
            FakeDaemon.Pump(session, () => session.AnswersReceived == 1);
            CollectionAssert.AreEqual(new[] { "not_msgpack" }, errors);
            session.Dispose();
        }

        [Test]
        public void WhatIsTooMuchIsRefusedBeforeItIsSent()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var many = Enumerable.Range(0, 65).Select(i => new Target { Id = "t" + i }).ToList();
            var problem = Assert.Throws<GenlockException>(() => session.SetSceneAsync(many));
            StringAssert.Contains("64", problem.Message);
            problem = Assert.Throws<GenlockException>(
                () => session.SetSceneAsync(new[] { new Target { Id = "a" }, new Target { Id = "a" } }));
            StringAssert.Contains("\"a\"", problem.Message);
            problem = Assert.Throws<GenlockException>(
                () => session.SetSceneAsync(new[] { new Target { Id = "a", Name = new string('x', 70000) } }));
            Assert.AreEqual("too_big", problem.Code);
            problem = Assert.Throws<GenlockException>(
                () => session.SendImage(0, ImageFormat.Png, 8, 8, new byte[2 * 1024 * 1024]));
            Assert.AreEqual("too_big", problem.Code);
            Assert.Throws<ArgumentException>(() => session.SendAudio(0, new byte[6402], 0, 6402, false));
            Assert.AreEqual(0, session.Unanswered);
            session.Dispose();
        }

        [Test]
        public void OfAStringThatMayBeLeftOutNullIsTheSameAsEmpty()
        {
            var app = new AppInfo { Name = "test", Version = null };
            var paint = new ActionInfo { Name = "paint" };
            paint.Phrases.Add("paint");
            paint.Arguments.Add(new ArgumentInfo { Name = "size", Kind = ArgumentKind.Text, Unit = null, DefaultText = null });
            app.Actions.Add(paint);
            Assert.IsEmpty(AppCheck.Mistakes(app));
            var daemon = new FakeDaemon();
            var options = new SessionOptions { User = "ada", App = app, Token = null, Device = new DeviceInfo { Name = null } };
            var session = new GenlockSession(options, daemon, () => daemon.Now, new Random(1));
            session.Connect();
            daemon.Welcome(session, false);
            session.SayAsync("paint", -1, null);
            session.TeachPhraseAsync("paint", "dye", null);
            session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Undo, Action = null, Target = null, Of = null });
            session.SetSceneAsync(new[] { new Target { Id = "a", Name = null } });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("scene").Count == 1);
            CollectionAssert.DoesNotContain(daemon.Socket.Sent("hello").Single().Keys, "token");
            CollectionAssert.DoesNotContain(daemon.Socket.Sent("utterance").Single().Keys, "language");
            CollectionAssert.AreEquivalent(
                new[] { "type", "id", "kind", "name", "phrase" }, daemon.Socket.Sent("teach").Single().Keys);
            CollectionAssert.AreEquivalent(
                new[] { "type", "id", "verdict", "time" }, daemon.Socket.Sent("feedback").Single().Keys);
            session.CloseAsync(null);
            session.Dispose();
            options.User = null;
            Assert.AreEqual("user", Assert.Throws<GenlockException>(() => new GenlockSession(options)).Key);
            options.User = "ada";
            app.Name = null;
            Assert.AreEqual("app.name", Assert.Throws<GenlockException>(() => new GenlockSession(options)).Key);
        }

        [Test]
        public void AnAppTooLongForAHelloIsRefusedBeforeAConnection()
        {
            var app = new AppInfo { Name = "test" };
            app.Objects.Add(new ObjectInfo { Name = "badge", Examples = new[] { new byte[66000] } });
            var problem = Assert.Throws<GenlockException>(() => new GenlockSession(new SessionOptions { User = "ada", App = app }));
            Assert.AreEqual("too_big", problem.Code);
            StringAssert.Contains("pictures", problem.Message);
            app.Objects[0].Examples = new[] { new byte[60000] };
            new GenlockSession(new SessionOptions { User = "ada", App = app }).Dispose();
        }

        [Test]
        public void WhatWasHeardIsRaisedWithItsWordsAndTheActionsOfIt()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var heard = new List<Transcript>();
            var done = new List<GenlockAction>();
            session.Transcribed += heard.Add;
            session.ActionReceived += done.Add;
            daemon.Socket.Say("type", "transcript", "text", "open", "final", false, "time", 5L);
            daemon.Socket.Say(
                "type", "transcript", "text", "open it", "final", true, "time", 5L, "id", "speech:1", "speaker", 0.75, "newer", 1L,
                "words",
                new List<object>
                {
                    new Dictionary<string, object> { { "text", "open" }, { "begin", 5L }, { "end", 9L }, { "newer", "x" } },
                });
            daemon.Socket.SayActions(-1, FakeSocket.Action(1, "open", "speech:1"));
            FakeDaemon.Pump(session, () => done.Count == 1);
            Assert.IsNull(heard[0].Speaker);
            Assert.IsEmpty(heard[0].Words);
            Assert.AreEqual("", heard[0].Id);
            Assert.AreEqual(0.75, heard[1].Speaker);
            Assert.AreEqual("open", heard[1].Words.Single().Text);
            Assert.AreEqual(9L, heard[1].Words.Single().End);
            Assert.AreEqual(heard[1].Id, done[0].Of);
            session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Correct, Of = heard[1].Id, Action = "close" });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("feedback").Count == 1);
            Assert.AreEqual("speech:1", daemon.Socket.Sent("feedback").Single()["of"]);
            session.Dispose();
        }

        [Test]
        public void AThingIsTaughtByPictures()
        {
            var daemon = new FakeDaemon();
            var session = daemon.Welcomed();
            var taught = session.TeachObjectAsync("badge", new[] { new byte[] { 0xff, 0xd8 } });
            FakeDaemon.Pump(session, () => daemon.Socket.Sent("teach").Count == 1);
            var teach = daemon.Socket.Sent("teach").Single();
            Assert.AreEqual("object", teach["kind"]);
            Assert.AreEqual("badge", teach["name"]);
            CollectionAssert.AreEqual(new byte[] { 0xff, 0xd8 }, (byte[])((List<object>)teach["examples"]).Single());
            daemon.Socket.Say("type", "ack", "id", teach["id"]);
            FakeDaemon.Pump(session, () => taught.IsCompleted);
            Assert.AreEqual(teach["id"], taught.Result);
            session.Dispose();
        }

        private static List<string> TargetsOf(Dictionary<string, object> scene)
        {
            return ((List<object>)scene["targets"]).Select(target => (string)((Dictionary<string, object>)target)["id"]).ToList();
        }

        private static void Note(List<string> seen, HashSet<int> threads, string what)
        {
            seen.Add(what);
            threads.Add(Thread.CurrentThread.ManagedThreadId);
        }
    }
}
