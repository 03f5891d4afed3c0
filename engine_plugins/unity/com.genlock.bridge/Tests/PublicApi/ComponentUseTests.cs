using System.Collections.Generic;
using System.Threading.Tasks;
using NUnit.Framework;
using UnityEngine;

namespace Genlock.Tests.PublicApi
{
    /// <summary>The components as a game's scripts would use them, with public members only.</summary>
    public sealed class ComponentUseTests
    {
        private readonly List<GameObject> _made = new List<GameObject>();

        [TearDown]
        public void Destroy()
        {
            foreach (var made in _made)
            {
                made.SetActive(false);
                Object.Destroy(made);
            }
            _made.Clear();
        }

        [Test]
        public void AGameSetsItUpFromAScript()
        {
            var client = Client();
            client.Url = "ws://127.0.0.1:8765";
            client.Token = "secret";
            client.User = "ada";
            client.HorizonsMs.Clear();
            client.HorizonsMs.Add(25f);
            client.TargetThreshold = 0.6f;
            client.Actions = Actions();
            Assert.AreEqual(SessionState.Idle, client.State);
            Assert.IsNull(client.Session);
            Assert.IsNull(client.CurrentTarget);
            Assert.IsNull(client.FindTarget("kettle"));
            var app = client.Actions.ToApp("1.0");
            Assert.AreEqual("demo", app.Name);
            Assert.AreEqual("colour", app.Actions[0].Arguments[0].Name);
            CollectionAssert.AreEqual(new[] { "red", "blue" }, app.Actions[0].Arguments[0].Values);
            CollectionAssert.AreEqual(new[] { "crimson", "scarlet" }, app.Actions[0].Arguments[0].Synonyms["red"]);
            CollectionAssert.AreEqual(new[] { "badge" }, app.Actions[0].Sees);
            Assert.AreEqual(Bystanders.Ignored, app.Bystanders);
            Assert.AreEqual("badge", app.Objects[0].Name);
            CollectionAssert.AreEqual(new[] { (byte)'j', (byte)'p', (byte)'g' }, app.Objects[0].Examples[0]);
            Assert.IsEmpty(AppCheck.Mistakes(app));
        }

        [Test]
        public void AGameListens()
        {
            var client = Client();
            var heard = 0;
            client.Connected += welcome => heard += welcome.Resumed ? 0 : 1;
            client.Disconnected += closing => heard += closing.TriesAgain ? 0 : 1;
            client.ActionReceived += action => heard += (int)action.Number;
            client.Answered += answer => heard += answer.TargetIndex;
            client.NoticeReceived += notice => heard += notice.Code.Length;
            client.ErrorReceived += error => heard += error.Code.Length;
            client.Transcribed += transcript =>
            {
                foreach (var word in transcript.Words)
                {
                    heard += word.Text.Length + (int)(word.End - word.Begin);
                }
                heard += transcript.Final && transcript.Speaker.GetValueOrDefault(1.0) > 0.5 ? transcript.Id.Length : 0;
            };
            client.TargetChanged += target => heard += target == null ? 0 : 1;
            client.OnConnected.AddListener(() => heard++);
            client.OnDisconnected.AddListener(words => heard += words.Length);
            client.OnAction.AddListener(action => heard += action.Name.Length);
            client.OnAsk.AddListener(words => heard += words.Length);
            client.OnError.AddListener(words => heard += words.Length);
            client.OnTargetChanged.AddListener(target => heard++);
            client.OnTranscribed.AddListener(words => heard += words.Length);
            Assert.AreEqual(0, heard);
        }

        [Test]
        public void WithoutAConnectionTheExceptionSaysWhatToDo()
        {
            var client = Client();
            var problem = ProblemOf(client.SayAsync("pick up the kettle"));
            Assert.AreEqual(ErrorCodes.Closed, problem.Code);
            StringAssert.Contains("call Connect first", problem.Message);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.TeachPhraseAsync("fire", "zap it")).Code);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.ExportProfileAsync()).Code);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.SetLearningAsync(false)).Code);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.UndoAsync()).Code);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.TeachObjectAsync("badge", new[] { new byte[1] })).Code);
            Assert.AreEqual(ErrorCodes.Closed, ProblemOf(client.CorrectAsync(new Transcript { Id = "speech:1" }, "take")).Code);
            client.SendsImages = true;
            Assert.IsFalse(client.SendImage(ImageFormat.Jpeg, 640, 480, new byte[1]));
        }

        [Test]
        public void ATargetHasAnIdANameAndAliases()
        {
            var client = Client();
            var thing = Make("Kettle");
            thing.SetActive(false);
            var target = thing.AddComponent<GenlockTarget>();
            target.Id = "kettle";
            target.Client = client;
            target.Aliases.Add("pot");
            thing.SetActive(true);
            Assert.AreEqual("Kettle", target.DisplayName);
            target.DisplayName = "Old kettle";
            Assert.AreSame(target, client.FindTarget("kettle"));
            thing.SetActive(false);
            Assert.IsNull(client.FindTarget("kettle"));
        }

        [Test]
        public void SourcesOfTrackingMayBeOnesOwn()
        {
            var client = Client();
            var source = client.gameObject.AddComponent<Still>();
            var frame = new TrackingFrame();
            source.Track(frame);
            Assert.AreEqual(Parts.LeftGrip, frame.Mask);
            var follower = client.gameObject.AddComponent<GenlockTransformSource>();
            follower.Part = PosePart.RightAim;
            follower.Follows = client.transform;
            Assert.AreEqual(PosePart.RightAim, follower.Part);
        }

        [Test]
        public void ForecastsHandlersAndMicrophonesAreSetUp()
        {
            var client = Client();
            var forecast = Make("Ghost").AddComponent<GenlockForecast>();
            forecast.Device = ForecastDevice.LeftHand;
            forecast.Horizon = 1;
            forecast.Fallback = client.transform;
            forecast.Client = client;
            Assert.IsFalse(forecast.IsFresh);
            var handler = Make("Handler").AddComponent<GenlockActionHandler>();
            handler.Action = "take";
            handler.Client = client;
            handler.OnStarted.AddListener(action => { });
            handler.OnPerformed.AddListener(action => { });
            handler.OnCanceled.AddListener(action => { });
            Assert.AreEqual("take", handler.Action);
        }

        private static GenlockException ProblemOf(Task task)
        {
            return (GenlockException)task.Exception.InnerException;
        }

        private static GenlockActions Actions()
        {
            var actions = ScriptableObject.CreateInstance<GenlockActions>();
            actions.AppName = "demo";
            actions.Confidence = 0.6f;
            actions.Learn = true;
            actions.Bystanders = Bystanders.Ignored;
            var badge = new GenlockActions.Thing { name = "badge" };
            badge.pictures.Add(new TextAsset("jpg"));
            actions.Objects.Add(badge);
            var paint = new GenlockActions.Entry { name = "paint", target = TargetUse.Required };
            paint.phrases.Add("paint {target} {colour}");
            paint.gestures.Add("circle");
            paint.sees.Add("badge");
            var colour = new GenlockActions.Argument { name = "colour", required = true };
            colour.values.Add("red|crimson|scarlet");
            colour.values.Add("blue");
            paint.arguments.Add(colour);
            actions.Entries.Add(paint);
            return actions;
        }

        private GenlockClient Client()
        {
            var owner = Make("XR Origin");
            owner.SetActive(false);
            var client = owner.AddComponent<GenlockClient>();
            client.ConnectOnEnable = false;
            owner.SetActive(true);
            return client;
        }

        private GameObject Make(string name)
        {
            var made = new GameObject(name);
            _made.Add(made);
            return made;
        }

        private sealed class Still : GenlockTrackingSource
        {
            public override void Track(TrackingFrame frame)
            {
                frame.SetPose(Parts.LeftGrip, Coordinates.ToWire(new Vector3(0f, 1f, 0f), Quaternion.identity));
            }
        }
    }
}
