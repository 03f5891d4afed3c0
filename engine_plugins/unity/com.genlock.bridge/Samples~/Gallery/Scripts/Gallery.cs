using System.Collections.Generic;
using UnityEngine;

namespace Genlock.Gallery
{
    /// <summary>Does what the user says. Type into the line, or speak where the daemon hears.</summary>
    public sealed class Gallery : MonoBehaviour
    {
        private static readonly Dictionary<string, Color> Colours = new Dictionary<string, Color>
        {
            { "red", Color.red }, { "blue", Color.blue }, { "green", Color.green }, { "yellow", Color.yellow },
            { "white", Color.white },
        };

        [SerializeField] private GenlockClient client;
        [SerializeField] private List<GalleryThing> things = new List<GalleryThing>();

        private GalleryThing _held;
        private string _line = "pick up the kettle";
        private string _answer = "";
        private string _heard = "";

        /// <summary>The client that it listens to.</summary>
        public GenlockClient Client
        {
            get { return client; }
            set { client = value; }
        }

        /// <summary>All that stands there, hidden or not.</summary>
        public IList<GalleryThing> Things
        {
            get { return things; }
        }

        /// <summary>What came of the last utterance, for the user.</summary>
        public string AnswerText
        {
            get { return _answer; }
        }

        /// <summary>Says a line and shows what came of it.</summary>
        public async void Say(string line)
        {
            try
            {
                var understood = await client.SayAsync(line);
                var performed = understood.Performed;
                if (performed != null)
                {
                    _answer = performed.Name + " " + performed.Target;
                }
                else if (understood.Notices.Count > 0)
                {
                    _answer = understood.Notices[0].Message;
                }
            }
            catch (GenlockException problem)
            {
                _answer = problem.Message;
            }
        }

        private void OnEnable()
        {
            if (client != null)
            {
                client.ActionReceived += Do;
                client.Disconnected += Tell;
                client.Transcribed += Hear;
            }
        }

        private void OnDisable()
        {
            if (client != null)
            {
                client.ActionReceived -= Do;
                client.Disconnected -= Tell;
                client.Transcribed -= Hear;
            }
        }

        private void OnGUI()
        {
            GUILayout.Label(client == null ? "no client" : "Genlock: " + client.State);
            _line = GUILayout.TextField(_line);
            if (GUILayout.Button("Say it"))
            {
                Say(_line);
            }
            GUILayout.Label(_heard);
            GUILayout.Label(_answer);
        }

        private void Tell(Closing closing)
        {
            _answer = closing.Reason + " " + closing.Advice;
        }

        private void Hear(Transcript transcript)
        {
            _heard = transcript.Final ? transcript.Text : transcript.Text + " ...";
        }

        private void Do(GenlockAction action)
        {
            if (action.Phase != ActionPhase.Performed)
            {
                return;
            }
            var thing = things.Find(one => one.Id == action.Target);
            switch (action.Name)
            {
                case "take":
                    PutDown();
                    _held = thing;
                    thing.Take(client.Head);
                    // It was really this one: next time the daemon knows better where this user points.
                    client.ConfirmAsync(thing.GetComponent<GenlockTarget>());
                    break;
                case "put_down":
                    PutDown();
                    break;
                case "paint":
                    Color colour;
                    if (Colours.TryGetValue(action.Text("colour"), out colour))
                    {
                        thing.Paint(colour);
                    }
                    break;
                case "rotate":
                    thing.Turn((float)action.Amount("degrees", 90.0));
                    break;
                case "hide":
                    thing.gameObject.SetActive(false);
                    break;
                case "show_all":
                    things.ForEach(one => one.gameObject.SetActive(true));
                    break;
            }
        }

        private void PutDown()
        {
            if (_held != null)
            {
                _held.PutBack();
                _held = null;
            }
        }
    }
}
