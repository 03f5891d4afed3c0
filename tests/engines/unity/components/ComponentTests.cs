using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;
using UnityEngine;
using UnityEngine.InputSystem;
using UnityEngine.XR;
using UnityEngine.XR.Hands;

namespace Genlock.Tests
{
    /// <summary>
    /// The components on stand-ins for Unity, with a real daemon at GENLOCK_URL. Its model is the tests' double: a forecast is the
    /// pose itself with x raised by the frames that were seen, and the first target is the most probable.
    /// </summary>
    public sealed class ComponentTests
    {
        private static readonly string Url = Environment.GetEnvironmentVariable("GENLOCK_URL");

        private GenlockClient _client;
        private Transform _offset;
        private Camera _camera;

        [SetUp]
        public void Rig()
        {
            var origin = new GameObject("XR Origin");
            _offset = new GameObject("Camera Offset").transform;
            _offset.SetParent(origin.transform, false);
            var eye = new GameObject("Main Camera") { tag = "MainCamera" };
            eye.transform.SetParent(_offset, false);
            eye.transform.localPosition = new Vector3(0f, 1.6f, 0f);
            _camera = eye.AddComponent<Camera>();
            origin.SetActive(false);
            _client = origin.AddComponent<GenlockClient>();
            _client.Url = Url;
            _client.User = "components";
            _client.Actions = Shop();
        }

        [TearDown]
        public void Clear()
        {
            Engine.Clear();
        }

        [Test]
        public void TheRigIsFoundAndFramesAreAnswered()
        {
            Answer last = null;
            _client.Answered += answer => last = answer;
            Begin();
            Until(() => last != null);
            Assert.AreSame(_camera.transform, _client.Head);
            Assert.AreSame(_offset, _client.TrackingSpace);
            Assert.AreEqual(Devices.Head, last.Devices);
            Assert.IsNotNull(_client.GetComponent<GenlockXRSource>());
        }

        [Test]
        public void AnOriginThatMovedAndTurnedDoesNotMatterToTheDaemon()
        {
            _client.transform.position = new Vector3(50f, 3f, -20f);
            _client.transform.rotation = Quaternion.Euler(0f, 90f, 0f);
            _camera.transform.localPosition = new Vector3(0f, 1.6f, 0.5f);
            var pose = Coordinates.ToWire(_offset, _camera.transform.position, _camera.transform.rotation);
            Assert.AreEqual(1.6f, pose.Y, 1e-4);
            Assert.AreEqual(-0.5f, pose.Z, 1e-4);
            Assert.AreEqual(1f, Math.Abs(pose.Qw), 1e-5);
            Vector3 position;
            Quaternion rotation;
            Coordinates.FromWire(pose, out position, out rotation);
            Assert.AreEqual(0.5f, position.z, 1e-4);
        }

        [Test]
        public void TheMostProbableTargetIsToldAndLeft()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            Thing("Mug", new Vector3(1f, 1f, 1f));
            var seen = new List<string>();
            kettle.OnEnter.AddListener(() => seen.Add("enter"));
            kettle.OnLeave.AddListener(() => seen.Add("leave"));
            _client.TargetChanged += target => seen.Add(target == null ? "none" : target.DisplayName);
            Begin();
            Until(() => _client.CurrentTarget == kettle);
            kettle.gameObject.SetActive(false);
            Until(() => _client.CurrentTarget != null && _client.CurrentTarget.DisplayName == "Mug");
            CollectionAssert.AreEqual(new[] { "enter", "Kettle", "leave", "none", "Mug" }, seen);
        }

        [Test]
        public void AHandlerThatThrowsKeepsTheAnswerFromNoOther()
        {
            var answers = 0;
            Action<Answer> spoil = answer => { throw new InvalidOperationException("spoilt"); };
            _client.Answered += spoil;
            _client.Answered += answer => answers++;
            Begin();
            Until(() => answers > 0);
            Assert.IsTrue(Engine.Log.Any(line => line.StartsWith("exception: ") && line.Contains("spoilt")));
        }

        [Test]
        public void ATargetMustBeProbableToBecomeTheCurrentOneAndLessSoToStayIt()
        {
            var seen = new List<string>();
            var targets = 0;
            _client.TargetChanged += target => seen.Add(target == null ? "none" : target.DisplayName);
            _client.Answered += answer => targets = answer.ProbabilityCount;
            _client.TargetThreshold = 0.6f;
            Thing("Kettle", new Vector3(0f, 1f, 1f));
            Begin();
            // Of the tests' double all are equally probable.
            Until(() => targets == 1);
            var mug = Thing("Mug", new Vector3(1f, 1f, 1f));
            Until(() => targets == 2);
            CollectionAssert.AreEqual(new[] { "Kettle" }, seen, "0.5 is more than 0.7 of 0.6");
            var cup = Thing("Cup", new Vector3(2f, 1f, 1f));
            Until(() => targets == 3);
            CollectionAssert.AreEqual(new[] { "Kettle", "none" }, seen);
            cup.gameObject.SetActive(false);
            Until(() => targets == 2);
            Assert.IsNull(_client.CurrentTarget, "0.5 is less than 0.6");
            mug.gameObject.SetActive(false);
            Until(() => targets == 1);
            CollectionAssert.AreEqual(new[] { "Kettle", "none", "Kettle" }, seen);
        }

        [Test]
        public void WhatMovesIsSentAgainAndWhatStaysIsNot()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            Begin();
            Until(() => _client.CurrentTarget == kettle && _client.Session.Unanswered == 0);
            var described = kettle.Describe(_offset, null);
            Assert.AreSame(described, kettle.Describe(_offset, described));
            kettle.transform.position = new Vector3(0.005f, 1f, 1f);
            Assert.AreSame(described, kettle.Describe(_offset, described), "half a centimetre");
            kettle.transform.position = new Vector3(0.5f, 1f, 1f);
            var moved = kettle.Describe(_offset, described);
            Assert.AreNotSame(described, moved);
            Assert.AreEqual(0.5f, moved.X, 1e-5);
            Assert.AreEqual(-1f, moved.Z, 1e-5);
            Assert.AreEqual(0.2f, moved.Width, 1e-5);
            _offset.rotation = Quaternion.Euler(0f, 45f, 0f);
            var turned = kettle.Describe(_offset, moved);
            Assert.AreEqual(0.2 * Math.Sqrt(2.0), turned.Width, 1e-4, "the box around a box that is turned");
        }

        [Test]
        public void UtterancesBecomeActionsOfTheTargetAndOfItsHandlers()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            var seen = new List<string>();
            _client.OnAction.AddListener(action => seen.Add("client " + action.Name));
            kettle.OnPerformed.AddListener(action => seen.Add("target " + action.Name));
            kettle.ActionReceived += action => seen.Add("event " + action.Name);
            var handler = kettle.gameObject.AddComponent<GenlockActionHandler>();
            handler.Action = "take";
            handler.OnPerformed.AddListener(action => seen.Add("handler " + action.Name));
            Begin();
            Until(() => _client.CurrentTarget == kettle);
            var saying = _client.SayAsync("pick up the kettle");
            Until(() => saying.IsCompleted);
            Assert.AreEqual("take", saying.Result.Performed.Name);
            Assert.AreEqual(kettle.Id, saying.Result.Performed.Target);
            CollectionAssert.AreEquivalent(new[] { "client take", "target take", "event take", "handler take" }, seen);
        }

        [Test]
        public void AHandlerThatThrowsKeepsNothingFromTheOthers()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            var seen = new List<string>();
            Action<string> spoil = what =>
            {
                seen.Add(what);
                throw new InvalidOperationException(what);
            };
            _client.ActionReceived += action => spoil("event");
            _client.OnAction.AddListener(action => spoil("client"));
            kettle.ActionReceived += action => spoil("target's event");
            kettle.OnPerformed.AddListener(action => spoil("target"));
            kettle.OnEnter.AddListener(() => spoil("enter"));
            kettle.OnLeave.AddListener(() => spoil("leave"));
            _client.TargetChanged += target => spoil("changed");
            var handler = kettle.gameObject.AddComponent<GenlockActionHandler>();
            handler.Action = "take";
            handler.OnPerformed.AddListener(action => spoil("handler"));
            Begin();
            Until(() => _client.CurrentTarget == kettle);
            var saying = _client.SayAsync("pick up the kettle");
            Until(() => saying.IsCompleted);
            var ended = _client.Session;
            _client.gameObject.SetActive(false);
            Assert.AreEqual(SessionState.Ended, ended.State);
            // A connection that drops meanwhile leaves the target and enters it again.
            var everything = new[] { "enter", "changed", "event", "handler", "client", "target's event", "target", "leave" };
            CollectionAssert.AreEquivalent(everything, seen.Distinct(), string.Join(", ", seen));
            Assert.AreEqual(seen.Count, Engine.Log.Count(line => line.StartsWith("exception")));
        }

        [Test]
        public void WhatBelongsToAClientTakesTheOneAboveItAndLeavesItWhenItIsDisabled()
        {
            var other = new GameObject("Other");
            other.SetActive(false);
            var above = other.AddComponent<GenlockClient>();
            above.ConnectOnEnable = false;
            other.SetActive(true);
            var part = new GameObject("Part");
            part.transform.SetParent(other.transform, false);
            var target = part.AddComponent<GenlockTarget>();
            Assert.AreSame(above, target.Client);
            Assert.AreSame(target, above.FindTarget(target.Id));
            var id = target.Id;
            // Another client does not count before the target is enabled again, and the old one is left.
            target.Client = _client;
            target.enabled = false;
            Assert.IsNull(above.FindTarget(id));
            target.enabled = true;
            Assert.AreSame(target, _client.FindTarget(id));
            UnityEngine.Object.Destroy(other);
            part.SetActive(false);
        }

        [Test]
        public void AClientThatComesLaterIsFoundAndOneThatWentIsReplaced()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            Assert.IsNull(kettle.Client, "there is none that is active");
            Begin();
            Assert.AreSame(_client, kettle.Client);
            UnityEngine.Object.Destroy(_client.gameObject);
            var next = new GameObject("Next").AddComponent<GenlockClient>();
            Assert.AreSame(kettle, next.FindTarget(kettle.Id));
            UnityEngine.Object.Destroy(next.gameObject);
        }

        [Test]
        public void WhatIsNotUnderstoodIsAskedBack()
        {
            var asked = new List<string>();
            _client.OnAsk.AddListener(asked.Add);
            Begin();
            Until(() => _client.State == SessionState.Connected);
            var saying = _client.SayAsync("what is the weather like in paris");
            Until(() => saying.IsCompleted);
            Assert.IsNull(saying.Result.Performed);
            Assert.AreEqual(NoticeCodes.NotUnderstood, saying.Result.Notices.Single().Code);
            Assert.AreEqual(1, asked.Count);
        }

        [Test]
        public void AForecastMovesWhatIsDrawnAndAFallbackTakesOver()
        {
            var ghost = new GameObject("Ghost").AddComponent<GenlockForecast>();
            var spare = new GameObject("Spare").transform;
            spare.position = new Vector3(9f, 9f, 9f);
            ghost.Device = ForecastDevice.Head;
            ghost.Fallback = spare;
            _client.transform.position = new Vector3(0f, 10f, 0f);
            Begin();
            Until(() => ghost.IsFresh);
            Assert.AreEqual(11.6f, ghost.transform.position.y, 1e-3, "in the world, not in the tracking space");
            _client.Disconnect();
            Engine.Tick(0.2);
            Assert.IsTrue(ghost.IsFresh);
            Engine.Tick(0.1);
            Assert.IsFalse(ghost.IsFresh);
            Assert.AreEqual(9f, ghost.transform.position.y, 1e-3);
        }

        [Test]
        public void ControllersEyesAndHandsAreRead()
        {
            Engine.Features["RightHand"] = true;
            Engine.Features["RightHand/DevicePosition"] = new Vector3(0.2f, 1.2f, 0.3f);
            Engine.Features["RightHand/DeviceRotation"] = Quaternion.identity;
            Engine.Features["RightHand/PointerPosition"] = new Vector3(0.2f, 1.2f, 0.35f);
            Engine.Features["RightHand/PointerRotation"] = Quaternion.identity;
            Engine.Features["RightHand/Trigger"] = 0.5f;
            Engine.Features["Eyes"] = true;
            Engine.Features["Eyes/gazePosition"] = new Vector3(0f, 1.6f, 0f);
            Engine.Features["Eyes/gazeRotation"] = Quaternion.identity;
            var frame = new TrackingFrame();
            var source = new GameObject("Source").AddComponent<GenlockXRSource>();
            source.Track(frame);
            Assert.AreEqual(Parts.RightAim | Parts.RightGrip | Parts.RightButtons | Parts.Gaze, frame.Mask);
            Engine.Features["RightHand/IsTracked"] = false;
            frame.Clear();
            source.Track(frame);
            Assert.AreEqual(Parts.Gaze, frame.Mask);
            Engine.Features["Eyes/IsTracked"] = false;
            frame.Clear();
            source.Track(frame);
            Assert.AreEqual(Parts.None, frame.Mask);
        }

        [Test]
        public void ASourceThatThrowsIsToldOnceAndKeepsNoFrameBack()
        {
            _client.gameObject.AddComponent<Broken>();
            var follower = _client.gameObject.AddComponent<GenlockTransformSource>();
            follower.Follows = _camera.transform;
            follower.Part = PosePart.LeftGrip;
            Answer last = null;
            _client.Answered += answer => last = answer;
            Begin();
            Until(() => last != null && _client.Session.FramesSent > 20);
            Assert.AreEqual(Devices.Head | Devices.LeftHand, last.Devices);
            StringAssert.Contains("one part at a time", Engine.Log.Single());
        }

        [Test]
        public void WhatAnAppsOwnSourceSetsIsNotOverwrittenByTheOneThatTheClientAdds()
        {
            foreach (var usage in new[] { "Device", "Pointer" })
            {
                Engine.Features["RightHand/" + usage + "Position"] = new Vector3(0.2f, 1.2f, 0.3f);
                Engine.Features["RightHand/" + usage + "Rotation"] = Quaternion.identity;
            }
            Engine.Features["RightHand"] = true;
            var hand = new GameObject("Hand").transform;
            hand.position = new Vector3(5f, 1f, 0f);
            var own = _client.gameObject.AddComponent<GenlockTransformSource>();
            own.Follows = hand;
            own.Part = PosePart.RightAim;
            Answer last = null;
            _client.Answered += answer => last = answer;
            Begin();
            Until(() => last != null && last.Devices == (Devices.Head | Devices.RightHand));
            WirePose forecast;
            Assert.IsTrue(last.TryGetForecast(Devices.RightHand, 0, out forecast));
            // The double raises x by whole metres.
            Assert.AreEqual(0.0, forecast.X % 1f, 1e-4);
            Assert.AreEqual(1f, forecast.Y, 1e-4);
        }

        [Test]
        public void WhatTheInspectorOffersHasAPoseOrAForecast()
        {
            var source = new GameObject("Source").AddComponent<GenlockTransformSource>();
            source.Follows = source.transform;
            var frame = new TrackingFrame();
            foreach (PosePart part in Enum.GetValues(typeof(PosePart)))
            {
                frame.Clear();
                source.Part = part;
                source.Track(frame);
                Assert.AreEqual(part.ToString(), frame.Mask.ToString());
            }
            foreach (var field in typeof(GenlockTransformSource).Assembly.GetTypes().SelectMany(
                type => type.GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)))
            {
                if (field.IsDefined(typeof(SerializeField), false))
                {
                    Assert.IsFalse(field.FieldType.IsDefined(typeof(FlagsAttribute), false), field.Name);
                }
            }
        }

        [Test]
        public void HandsComeInTheWiresOrder()
        {
            var joints = new Dictionary<XRHandJointID, Pose>();
            for (var id = XRHandJointID.Wrist; id < XRHandJointID.EndMarker; id++)
            {
                joints[id] = new Pose(new Vector3(id.ToIndex(), 1f, 0f), Quaternion.identity);
            }
            Engine.Subsystems.Add(new XRHandSubsystem { leftHand = new XRHand { Joints = joints } });
            var frame = new TrackingFrame();
            var source = new GameObject("Hands").AddComponent<GenlockHandsSource>();
            source.Track(frame);
            Assert.AreEqual(Parts.LeftHand, frame.Mask);
            float[] packed;
            frame.Pack(out packed);
            Assert.AreEqual(1f, packed[0], "the palm, which is 1 in Unity, comes first");
            Assert.AreEqual(0f, packed[7], "then the wrist");
            Assert.AreEqual(2f, packed[14]);
            Assert.AreEqual(25f, packed[7 * 25]);
            joints.Remove(XRHandJointID.IndexTip);
            frame.Clear();
            source.Track(frame);
            Assert.AreEqual(Parts.None, frame.Mask, "a hand is whole or not there");
        }

        [Test]
        public void HandsComeFromTheSubsystemThatRuns()
        {
            var joints = new Dictionary<XRHandJointID, Pose>();
            for (var id = XRHandJointID.Wrist; id < XRHandJointID.EndMarker; id++)
            {
                joints[id] = new Pose(new Vector3(0f, 1f, 0f), Quaternion.identity);
            }
            var idle = new XRHandSubsystem { running = false };
            var other = new XRHandSubsystem { leftHand = new XRHand { Joints = joints } };
            Engine.Subsystems.Add(idle);
            Engine.Subsystems.Add(other);
            var frame = new TrackingFrame();
            var source = new GameObject("Hands").AddComponent<GenlockHandsSource>();
            source.Track(frame);
            Assert.AreEqual(Parts.LeftHand, frame.Mask);
            other.running = false;
            idle.running = true;
            idle.rightHand = other.leftHand;
            Engine.Tick(1.1);
            frame.Clear();
            source.Track(frame);
            Assert.AreEqual(Parts.RightHand, frame.Mask);
        }

        [Test]
        public void InputActionsAreReadAndOnlyOnesOwnAreEnabled()
        {
            var source = new GameObject("Input").AddComponent<GenlockInputSystemSource>();
            var frame = new TrackingFrame();
            source.Track(frame);
            Assert.AreEqual(Parts.RightButtons, frame.Mask, "an empty field has an action without bindings");
            Set(source, "aimPosition", new InputAction(1) { Value = new Vector3(0f, 1f, 1f) });
            Set(source, "aimRotation", new InputAction(1) { Value = Quaternion.identity });
            source.Track(frame);
            Assert.AreEqual(Parts.RightButtons | Parts.RightAim, frame.Mask);
            var tracked = new InputAction(1) { Value = 0f };
            Set(source, "isTracked", tracked);
            source.enabled = false;
            source.enabled = true;
            Assert.IsTrue(tracked.enabled);
            frame.Clear();
            source.Track(frame);
            Assert.AreEqual(Parts.None, frame.Mask);
        }

        [Test]
        public void ADaemonThatDoesNotHearGetsNoSoundAndThatIsToldOnce()
        {
            var told = new List<string>();
            var microphone = _client.gameObject.AddComponent<GenlockMicrophone>();
            microphone.OnTrouble.AddListener(told.Add);
            var errors = new List<DaemonError>();
            _client.ErrorReceived += errors.Add;
            Begin();
            Until(() => _client.State == SessionState.Connected);
            Assert.IsTrue(Engine.Recording);
            _client.Session.Welcome.Serves.Remove("audio");
            for (var i = 0; i < 50; i++)
            {
                Record(i / 10 == 2 ? 0.3f : 0f);
            }
            StringAssert.Contains("does not hear", told.Single());
            Assert.IsEmpty(errors);
            Assert.IsFalse(microphone.IsSpeaking);
            microphone.enabled = false;
            Assert.IsFalse(Engine.Recording);
        }

        [Test]
        public void AMicrophoneMayBeTurnedOffByWhoIsToldOfTrouble()
        {
            var microphone = _client.gameObject.AddComponent<GenlockMicrophone>();
            microphone.OnTrouble.AddListener(words => microphone.enabled = false);
            Begin();
            Until(() => _client.State == SessionState.Connected);
            _client.Session.Welcome.Serves.Remove("audio");
            Engine.Position = 48000;
            Engine.Tick(1.0);
            Assert.IsFalse(microphone.enabled);
            Assert.IsFalse(Engine.Recording);
        }

        [Test]
        public void AMicrophoneThatStoppedIsToldOnceAndStartedAgain()
        {
            var told = new List<string>();
            var microphone = _client.gameObject.AddComponent<GenlockMicrophone>();
            microphone.OnTrouble.AddListener(told.Add);
            Begin();
            Engine.Tick(0.1);
            Assert.IsEmpty(told);
            var before = Engine.Sound;
            Engine.Sound = new float[0];
            Engine.Recording = false;
            for (var i = 0; i < 50; i++)
            {
                Engine.Tick(0.1);
            }
            Assert.IsFalse(Engine.Recording, "it is unplugged");
            StringAssert.Contains("the microphone stopped", told.Single());
            Engine.Sound = before;
            Engine.Tick(1.0);
            Assert.IsTrue(Engine.Recording);
            Engine.Recording = false;
            Engine.Tick(0.1);
            Assert.AreEqual(2, told.Count);
            Assert.IsFalse(Engine.Recording, "once a second is often enough");
            Engine.Tick(1.0);
            Assert.IsTrue(Engine.Recording);
            microphone.enabled = false;
        }

        [Test]
        public void AMicrophoneSleepsWithTheApp()
        {
            var told = new List<string>();
            var microphone = _client.gameObject.AddComponent<GenlockMicrophone>();
            microphone.OnTrouble.AddListener(told.Add);
            Begin();
            Engine.Pause(true);
            Assert.IsFalse(Engine.Recording);
            Engine.Tick(5.0);
            Assert.IsFalse(Engine.Recording);
            Engine.Pause(false);
            Engine.Tick(0.01);
            Assert.IsTrue(Engine.Recording);
            Assert.IsEmpty(told);
            microphone.enabled = false;
            Engine.Pause(true);
            Engine.Pause(false);
            Engine.Tick(5.0);
            Assert.IsFalse(Engine.Recording, "it is disabled");
        }

        [Test]
        public void HowLoudSpeechIsMayBeChangedWhileItRuns()
        {
            var microphone = _client.gameObject.AddComponent<GenlockMicrophone>();
            Begin();
            Until(() => _client.State == SessionState.Connected);
            _client.Session.Welcome.Serves.Add("audio");
            microphone.Threshold = 0.9f;
            for (var i = 0; i < 20; i++)
            {
                Record(0.3f);
            }
            Assert.IsFalse(microphone.IsSpeaking);
            for (var i = 0; i < 20; i++)
            {
                Record(0f);
            }
            microphone.Threshold = 0.01f;
            for (var i = 0; i < 20; i++)
            {
                Record(0.3f);
            }
            Assert.IsTrue(microphone.IsSpeaking);
        }

        [Test]
        public void AHeadsetThatWakesConnectsAtOnce()
        {
            Begin();
            Until(() => _client.State == SessionState.Connected);
            _client.Session.Drop();
            Until(() => _client.State == SessionState.Waiting);
            Engine.Pause(true);
            Engine.Pause(false);
            Engine.Tick(0.0);
            Assert.AreNotEqual(SessionState.Waiting, _client.State);
            Until(() => _client.State == SessionState.Connected);
        }

        [Test]
        public void ARigThatAChangeOfSceneTookIsFoundAgain()
        {
            _client.transform.SetParent(null, false);
            UnityEngine.Object.Destroy(_offset.gameObject);
            Begin();
            Until(() => _client.State == SessionState.Connected);
            for (var i = 0; i < 30; i++)
            {
                Engine.Tick(0.1);
            }
            StringAssert.Contains("MainCamera", Engine.Log.Single());
            Assert.AreSame(_client.transform, _client.TrackingSpace);
            for (var round = 0; round < 2; round++)
            {
                var space = new GameObject("Next Offset").transform;
                var eye = new GameObject("Next Camera") { tag = "MainCamera" };
                eye.transform.SetParent(space, false);
                eye.AddComponent<Camera>();
                Engine.Tick(1.1);
                Assert.AreSame(eye.transform, _client.Head);
                Assert.AreSame(space, _client.TrackingSpace);
                UnityEngine.Object.Destroy(space.gameObject);
            }
            Answer last = null;
            _client.Answered += answer => last = answer;
            Until(() => last != null);
            Assert.AreEqual(Devices.None, last.Devices, "its head is gone again");
            Assert.AreEqual(1, Engine.Log.Count);
        }

        [Test]
        public void FramesGoOutAtTheRateOfTheDisplayThatRuns()
        {
            Assert.AreEqual(0f, HeadsetDisplay.Find().Hz);
            Engine.Subsystems.Add(new XRDisplaySubsystem { running = false, Hz = 60f });
            Engine.Subsystems.Add(
                new XRDisplaySubsystem
                {
                    Hz = 72f, subsystemDescriptor = new XRDisplaySubsystemDescriptor { id = "OpenXR Display" },
                });
            var display = HeadsetDisplay.Find();
            Assert.AreEqual(72f, display.Hz);
            Assert.AreEqual("OpenXR Display", display.Name);
            Begin();
            Until(() => _client.State == SessionState.Connected);
            Assert.AreEqual(100, FramesOf(100), "the display paces them");
        }

        [Test]
        public void WithoutAHeadsetFramesGoOutAtTheRateThatTheDaemonWasTold()
        {
            Begin();
            Until(() => _client.State == SessionState.Connected);
            Assert.That(FramesOf(200), Is.InRange(17, 20), "a fifth of a second of an editor that draws 1000 frames a second");
        }

        [Test]
        public void DisablingEndsTheSessionAndEnablingBeginsAnother()
        {
            Begin();
            Until(() => _client.State == SessionState.Connected);
            var first = _client.Session;
            _client.enabled = false;
            Assert.AreEqual(SessionState.Ended, first.State);
            Assert.IsNull(_client.Session);
            _client.enabled = true;
            Until(() => _client.State == SessionState.Connected);
            Assert.AreNotSame(first, _client.Session);
            UnityEngine.Object.Destroy(_client.gameObject);
        }

        [Test]
        public void WhoConnectsAgainInACatchHasTheSessionThatTheClientHas()
        {
            Begin();
            Until(() => _client.State == SessionState.Connected);
            GenlockSession made = null;
            Func<Task> ask = async () =>
            {
                try
                {
                    await _client.SayAsync("undo");
                }
                catch (GenlockException)
                {
                    _client.Connect();
                    made = _client.Session;
                }
            };
            var asking = ask();
            _client.Disconnect();
            Assert.IsTrue(asking.IsCompleted);
            Assert.IsNotNull(made);
            Assert.AreSame(made, _client.Session);
            Until(() => _client.State == SessionState.Connected);
            asking = ask();
            _client.Connect();
            Assert.IsTrue(asking.IsCompleted);
            Assert.AreSame(made, _client.Session, "one connection, not two");
            Until(() => _client.State == SessionState.Connected);
            asking = ask();
            _client.enabled = false;
            Assert.IsInstanceOf<GenlockException>(asking.Exception.InnerException);
            Assert.IsNull(_client.Session, "nobody would pump it");
        }

        [Test]
        public void TheSameMistakeInFramesIsLoggedOnceInFiveSeconds()
        {
            var errors = 0;
            _client.ErrorReceived += error => errors++;
            Begin();
            Until(() => _client.State == SessionState.Connected);
            // A minute ahead is no time of this clock; each refused frame's time is used up.
            var ahead = GenlockSession.Microseconds() + 60000000;
            Action refuse = () =>
            {
                var before = errors;
                _client.Session.SendFrame(new TrackingFrame(), ahead);
                Until(() => errors > before, 0.0);
            };
            for (var i = 0; i < 20; i++)
            {
                refuse();
            }
            StringAssert.Contains("time: ", Engine.Log.Single());
            Engine.Now += 5.1;
            refuse();
            Assert.AreEqual(2, Engine.Log.Count);
        }

        [Test]
        public void ASourceMayEndTheSession()
        {
            var quitter = _client.gameObject.AddComponent<Quitter>();
            quitter.Client = _client;
            Begin();
            Until(() => quitter.Asked);
            Assert.IsNull(_client.Session);
            Assert.IsEmpty(Engine.Log);
        }

        [Test]
        public void SettingsThatCannotBeAreToldInTheLog()
        {
            _client.Url = "192.168.1.20";
            Begin();
            Assert.AreEqual(SessionState.Idle, _client.State);
            StringAssert.Contains("it must be like ws://", Engine.Log.Single(line => line.StartsWith("error")));
            var saying = _client.SayAsync("hello");
            Assert.AreEqual(ErrorCodes.Closed, ((GenlockException)saying.Exception.InnerException).Code);
        }

        [Test]
        public void NullIsNoTokenNoUserAndNoName()
        {
            _client.Token = null;
            _client.User = null;
            _client.Actions.AppName = null;
            var kettle = Named("Kettle", null);
            kettle.DisplayName = null;
            Begin();
            Until(() => _client.CurrentTarget == kettle);
            Assert.AreEqual("Kettle", kettle.DisplayName);
            Assert.IsEmpty(Engine.Log);
        }

        [Test]
        public void TwoTargetsOfOneIdAreToldInTheLogOnce()
        {
            var first = Named("Kettle", "same");
            var second = Named("Mug", "same");
            Begin();
            Until(() => _client.CurrentTarget == first && _client.Session.Unanswered == 0);
            Engine.Tick(1.0);
            StringAssert.Contains("two targets", Engine.Log.Single(line => line.StartsWith("error")));
            first.gameObject.SetActive(false);
            Until(() => _client.CurrentTarget == second);
            first.gameObject.SetActive(true);
            second.gameObject.SetActive(false);
            Until(() => _client.CurrentTarget == first);
            Assert.AreEqual(1, Engine.Log.Count);
        }

        [Test]
        public void WhatTakesAnIdInTheFrameInWhichItsOwnerGoesHasIt()
        {
            var old = Named("Kettle", "kettle");
            Begin();
            Until(() => _client.CurrentTarget == old);
            GenlockTarget next = null;
            var spawner = new GameObject("Spawner").AddComponent<Spawner>();
            spawner.Spawn = () => next = Named("Kettle", "kettle");
            Engine.Tick(1.0);
            Assert.AreSame(old, _client.FindTarget("kettle"));
            // Unity destroys at the end of the frame, after LateUpdate.
            UnityEngine.Object.Destroy(old.gameObject);
            Assert.AreSame(next, _client.FindTarget("kettle"));
            Until(() => _client.CurrentTarget == next);
            Assert.IsEmpty(Engine.Log);
            var brief = Named("Kettle", "kettle");
            UnityEngine.Object.Destroy(brief.gameObject);
            Assert.AreSame(next, _client.FindTarget("kettle"), "the one that waited went first");
        }

        [Test]
        public void SiblingsOfOneNameHaveIdsOfTheirOwn()
        {
            Begin();
            var shelf = new GameObject("Shelf");
            var mugs = new List<GenlockTarget>();
            for (var i = 0; i < 3; i++)
            {
                var mug = new GameObject("Mug(Clone)");
                mug.transform.SetParent(shelf.transform, false);
                mugs.Add(mug.AddComponent<GenlockTarget>());
            }
            CollectionAssert.AreEqual(
                new[] { "Shelf/Mug(Clone)", "Shelf/Mug(Clone)[1]", "Shelf/Mug(Clone)[2]" }, mugs.Select(mug => mug.Id));
            UnityEngine.Object.Destroy(mugs[0].gameObject);
            var late = new GameObject("Mug(Clone)");
            late.transform.SetParent(shelf.transform, false);
            Assert.AreEqual("Shelf/Mug(Clone)[2][2]", late.AddComponent<GenlockTarget>().Id);
            Assert.AreEqual("Chair", Thing("Chair", Vector3.zero).Id);
            StringAssert.IsMatch(@"^Chair\[\d+\]$", Thing("Chair", Vector3.zero).Id);
            Assert.IsEmpty(Engine.Log);
        }

        [Test]
        public void MoreThan64TargetsAreLeftOutWithAWarning()
        {
            for (var i = 0; i < 70; i++)
            {
                Thing("thing " + i, new Vector3(i, 0f, 0f));
            }
            _client.TargetThreshold = 0f;
            Begin();
            Until(() => _client.CurrentTarget != null && _client.Session.Unanswered == 0);
            Assert.AreEqual(1, Engine.Log.Count(line => line.Contains("more than 64")));
        }

        [Test]
        public void ATargetThatNoDaemonWouldTakeIsToldOnceAndLeftOut()
        {
            var far = Thing("Far", new Vector3(20000f, 0f, 0f));
            var nameless = GameObject.CreatePrimitive(PrimitiveType.Cube);
            nameless.SetActive(false);
            nameless.AddComponent<GenlockTarget>().Id = new string('x', 129);
            nameless.SetActive(true);
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            var mug = Thing("Mug", new Vector3(1f, 1f, 1f));
            Begin();
            Until(() => _client.CurrentTarget == kettle && _client.Session.Unanswered == 0);
            var frames = _client.Session.FramesSent;
            Until(() => _client.Session.FramesSent > frames + 50);
            Assert.AreSame(kettle, _client.CurrentTarget);
            kettle.gameObject.SetActive(false);
            Until(() => _client.CurrentTarget == mug);
            StringAssert.Contains("\"Far\" is more than 10000 m", Engine.Log.Single(line => line.Contains("Far")));
            StringAssert.Contains("1 to 128", Engine.Log.Single(line => line.Contains("xxx")));
            mug.gameObject.SetActive(false);
            far.transform.position = new Vector3(2f, 0f, 0f);
            Until(() => _client.CurrentTarget == far);
        }

        [Test]
        public void ATargetThatTheDaemonRefusesIsToldOnceAndLeftOut()
        {
            var kettle = Thing("Kettle", new Vector3(0f, 1f, 1f));
            // Halves of characters become the same on the wire: one name for two.
            var first = Thing("Mug \ud800", new Vector3(1f, 1f, 1f));
            Thing("Mug \ud801", new Vector3(2f, 1f, 1f));
            Begin();
            Until(() => _client.CurrentTarget == kettle && _client.Session.Unanswered == 0);
            kettle.gameObject.SetActive(false);
            Until(() => _client.CurrentTarget == first && _client.Session.Unanswered == 0);
            Assert.AreEqual(1, Engine.Log.Count(line => line.Contains("the daemon refused")));
            Assert.AreEqual(1, Engine.Log.Count(line => line.Contains("there twice")));
        }

        [Test]
        public void TargetsThatAreTooLongTogetherAreLeftOut()
        {
            for (var i = 0; i < 30; i++)
            {
                var thing = Thing("thing " + i, new Vector3(i, 0f, 0f));
                for (var alias = 0; alias < 16; alias++)
                {
                    thing.Aliases.Add(new string('x', 256));
                }
            }
            _client.TargetThreshold = 0f;
            Begin();
            Until(() => _client.CurrentTarget != null && _client.Session.Unanswered == 0);
            var lost = Engine.Log.Count(line => line.Contains("more than 64 KiB"));
            Assert.AreEqual(lost, Engine.Log.Count);
            Assert.That(lost, Is.InRange(12, 18));
        }

        [Test]
        public void NoConnectionStaysAfterTheClientIsGone()
        {
            for (var i = 0; i < 3; i++)
            {
                _client.gameObject.SetActive(true);
                Until(() => _client.State == SessionState.Connected);
                Assert.GreaterOrEqual(Connections(), 1);
                _client.gameObject.SetActive(false);
            }
            Until(() => Connections() == 0);
            Assert.IsEmpty(Engine.Log);
        }

        [Test]
        public void WhereAPlatformHasNoWebSocketOverAStreamItsOwnClientIsUsed()
        {
            var options = new SessionOptions { Url = new Uri(Url), User = "plain", App = new AppInfo { Name = "test" } };
            using (var session = new GenlockSession(options, new Plain(), GenlockSession.Microseconds, new System.Random(1)))
            {
                var answers = 0;
                session.Answered += answer => answers++;
                session.Connect();
                var frame = new TrackingFrame();
                Until(
                    () =>
                    {
                        session.Pump();
                        session.SendFrame(frame, GenlockSession.Microseconds());
                        return answers > 3;
                    });
            }
        }

        /// <summary>How many sessions the daemon says that it has.</summary>
        private static int Connections()
        {
            using (var http = new System.Net.WebClient())
            {
                var metrics = http.DownloadString(Url.Replace("ws://", "http://") + "/metrics").Split('\n');
                return (int)double.Parse(
                    metrics.Single(line => line.StartsWith("genlock_sessions ")).Split(' ')[1],
                    System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        /// <summary>How many frames are sent while so many are drawn, 1000 a second.</summary>
        private long FramesOf(int drawn)
        {
            var before = _client.Session.FramesSent;
            for (var i = 0; i < drawn; i++)
            {
                Engine.Tick(0.001);
            }
            return _client.Session.FramesSent - before;
        }

        private static GenlockActions Shop()
        {
            var actions = ScriptableObject.CreateInstance<GenlockActions>();
            actions.AppName = "shop";
            actions.Entries.Add(
                new GenlockActions.Entry
                {
                    name = "take",
                    phrases = new List<string> { "pick up {target}", "take {target}", "grab {target}", "give me {target}" },
                    target = TargetUse.Required,
                });
            actions.Entries.Add(new GenlockActions.Entry { name = "undo", phrases = new List<string> { "undo", "take that back" } });
            return actions;
        }

        private static GenlockTarget Thing(string name, Vector3 at)
        {
            var thing = GameObject.CreatePrimitive(PrimitiveType.Cube);
            thing.name = name;
            thing.transform.position = at;
            thing.transform.localScale = new Vector3(0.2f, 0.2f, 0.2f);
            return thing.AddComponent<GenlockTarget>();
        }

        private static GenlockTarget Named(string name, string id)
        {
            var thing = GameObject.CreatePrimitive(PrimitiveType.Cube);
            thing.name = name;
            thing.SetActive(false);
            var target = thing.AddComponent<GenlockTarget>();
            target.Id = id;
            thing.SetActive(true);
            return target;
        }

        private static void Set(GenlockInputSystemSource source, string field, InputAction action)
        {
            source.GetType().GetField(field, System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)
                .SetValue(source, new InputActionProperty(action));
        }

        /// <summary>20 ms at 48 kHz, and a frame of the app.</summary>
        private static void Record(float loudness)
        {
            for (var i = 0; i < 960; i++)
            {
                var at = (Engine.Position + i) % Engine.Sound.Length;
                Engine.Sound[at] = loudness * (float)Math.Sin(at * 0.05) + 0.0001f * (at % 2);
            }
            Engine.Position = (Engine.Position + 960) % Engine.Sound.Length;
            Engine.Tick(0.02);
        }

        private sealed class Broken : GenlockTrackingSource
        {
            public override void Track(TrackingFrame frame)
            {
                frame.SetPose(Parts.LeftAim | Parts.RightAim, default(WirePose));
            }
        }

        private sealed class Spawner : MonoBehaviour
        {
            internal Action Spawn { get; set; }

            private void Update()
            {
                Spawn();
                enabled = false;
            }
        }

        private sealed class Quitter : GenlockTrackingSource
        {
            internal GenlockClient Client { get; set; }

            internal bool Asked { get; private set; }

            public override void Track(TrackingFrame frame)
            {
                Asked = true;
                Client.Disconnect();
            }
        }

        private sealed class Plain : IConnector
        {
            public Task<WebSocket> ConnectAsync(Uri url, CancellationToken cancel)
            {
                return Connector.PlainAsync(url, cancel);
            }
        }

        private void Begin()
        {
            _client.gameObject.SetActive(true);
        }

        private static void Until(Func<bool> holds, double seconds = 0.011)
        {
            var limit = DateTime.UtcNow.AddMinutes(3);
            while (!holds())
            {
                if (DateTime.UtcNow > limit)
                {
                    Assert.Fail("it never came; the log: " + string.Join("; ", Engine.Log.ToArray()));
                }
                Engine.Tick(seconds);
                Thread.Sleep(5);
            }
        }
    }
}
