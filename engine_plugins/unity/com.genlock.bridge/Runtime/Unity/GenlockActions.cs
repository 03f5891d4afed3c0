using System;
using System.Collections.Generic;
using UnityEngine;

namespace Genlock
{
    /// <summary>What an app can do, as an asset: Assets, Create, Genlock, Actions.</summary>
    [CreateAssetMenu(fileName = "Actions", menuName = "Genlock/Actions")]
    public sealed class GenlockActions : ScriptableObject
    {
        [Tooltip("The same in all versions of the app. What is learned of phrases belongs to it.")]
        [SerializeField] private string appName = "";

        [Tooltip("How sure of an action the daemon must be.")]
        [Range(0f, 1f)]
        [SerializeField] private float confidence = 0.5f;

        [Tooltip("Whether anything may be learned of the app's users.")]
        [SerializeField] private bool learn = true;

        [Tooltip("What comes of speech that is not the user's, once the daemon knows the user's voice.")]
        [SerializeField] private Bystanders bystanders = Bystanders.Heard;

        [Tooltip("Empty: the daemon's own manifest of the app's name counts.")]
        [SerializeField] private List<Entry> actions = new List<Entry>();

        [Tooltip("Things that users may show, beside what the daemon knows and what users teach.")]
        [SerializeField] private List<Thing> objects = new List<Thing>();

        /// <summary>The app's name.</summary>
        public string AppName
        {
            get { return appName; }
            set { appName = value ?? ""; }
        }

        /// <summary>How sure of an action the daemon must be, 0 to 1.</summary>
        public float Confidence
        {
            get { return confidence; }
            set { confidence = value; }
        }

        /// <summary>Whether anything may be learned of the app's users.</summary>
        public bool Learn
        {
            get { return learn; }
            set { learn = value; }
        }

        /// <summary>What comes of speech that is not the user's, once the daemon knows the user's voice.</summary>
        public Bystanders Bystanders
        {
            get { return bystanders; }
            set { bystanders = value; }
        }

        /// <summary>Things that users may show.</summary>
        public IList<Thing> Objects
        {
            get { return objects; }
        }

        /// <summary>What it can do.</summary>
        public IList<Entry> Entries
        {
            get { return actions; }
        }

        /// <summary>As it is sent.</summary>
        public AppInfo ToApp(string version)
        {
            var app = new AppInfo
            {
                Name = appName, Version = version, Confidence = confidence, Learn = learn, Bystanders = bystanders,
            };
            foreach (var entry in actions)
            {
                app.Actions.Add(entry.ToAction());
            }
            foreach (var thing in objects)
            {
                app.Objects.Add(thing.ToObject());
            }
            return app;
        }

        /// <summary>One action.</summary>
        [Serializable]
        public sealed class Entry
        {
            [Tooltip("What handlers get.")]
            public string name = "";

            [Tooltip("What users say for it. {target} stands for a target, {argument} for an argument.")]
            public List<string> phrases = new List<string>();

            [Tooltip("nod, shake, swipe_left, push, circle, wave, or one that users teach; * is any that no other action has.")]
            public List<string> gestures = new List<string>();

            [Tooltip("Things that mean it when they come into sight; * is any that no other action has.")]
            public List<string> sees = new List<string>();

            [Tooltip("Whether it is about a target.")]
            public TargetUse target = TargetUse.None;

            public List<Argument> arguments = new List<Argument>();

            internal ActionInfo ToAction()
            {
                var action = new ActionInfo
                {
                    Name = name, Phrases = phrases, Gestures = gestures, Sees = sees, Target = target,
                };
                foreach (var argument in arguments)
                {
                    action.Arguments.Add(argument.ToArgument());
                }
                return action;
            }
        }

        /// <summary>A thing that can be seen.</summary>
        [Serializable]
        public sealed class Thing
        {
            public string name = "";

            [Tooltip("1 to 16 JPEG or PNG files whose names end in .bytes. All of the app's have 64 KiB together.")]
            public List<TextAsset> pictures = new List<TextAsset>();

            internal ObjectInfo ToObject()
            {
                var thing = new ObjectInfo { Name = name };
                foreach (var picture in pictures)
                {
                    if (picture != null)
                    {
                        thing.Examples.Add(picture.bytes);
                    }
                }
                return thing;
            }
        }

        /// <summary>Something that an action has to know.</summary>
        [Serializable]
        public sealed class Argument
        {
            [Tooltip("Letters, digits and _.")]
            public string name = "";
            public ArgumentKind kind = ArgumentKind.Choice;

            [Tooltip("Of a choice. Other words for a value follow it after a |: red|crimson|scarlet")]
            public List<string> values = new List<string>();

            [Tooltip("Of a number.")]
            public float minimum = -1e9f;

            [Tooltip("Of a number.")]
            public float maximum = 1e9f;

            [Tooltip("Of a number, as people say it.")]
            public string unit = "";

            [Tooltip("Whether the action waits until it was said.")]
            public bool required;

            [Tooltip("What holds where it was not said.")]
            public string otherwise = "";

            internal ArgumentInfo ToArgument()
            {
                var argument = new ArgumentInfo
                {
                    Name = name,
                    Kind = kind,
                    Minimum = minimum <= -1e9f ? -1e9 : minimum,
                    Maximum = maximum >= 1e9f ? 1e9 : maximum,
                    Unit = unit,
                    Required = required,
                };
                foreach (var value in values)
                {
                    var words = value.Split('|');
                    argument.Values.Add(words[0].Trim());
                    if (words.Length > 1)
                    {
                        argument.Synonyms[words[0].Trim()] = Synonyms(words);
                    }
                }
                double number;
                var isNumber = double.TryParse(
                    otherwise, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out number);
                if (kind == ArgumentKind.Number && isNumber)
                {
                    argument.DefaultNumber = number;
                }
                else
                {
                    argument.DefaultText = otherwise;
                }
                return argument;
            }

            private static IList<string> Synonyms(string[] words)
            {
                var synonyms = new List<string>();
                for (var i = 1; i < words.Length; i++)
                {
                    synonyms.Add(words[i].Trim());
                }
                return synonyms;
            }
        }
    }
}
