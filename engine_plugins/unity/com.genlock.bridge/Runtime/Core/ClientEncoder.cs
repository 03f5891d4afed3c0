using System.Collections.Generic;

namespace Genlock
{
    /// <summary>
    /// Lays the client's messages: type first, then the keys in the protocol's order, those at their default left out. Of a string
    /// that may be left out null is the same as empty.
    /// </summary>
    internal static class ClientEncoder
    {
        private static readonly string[] TargetUses = { "none", "optional", "required" };
        private static readonly string[] ArgumentKinds = { "choice", "number", "text" };
        private static readonly string[] TeachKinds = { "phrase", "gesture", "object", "name" };
        private static readonly string[] GestureDevices = { "", "head", "left", "right", "left_hand", "right_hand" };
        private static readonly string[] Verdicts = { "confirm", "correct", "undo" };
        private static readonly string[] Formats = { "jpeg", "png", "rgb" };
        private static readonly string[] Bystanding = { "heard", "ignored" };
        private static readonly string[] Kinds = { "all", "forecast", "target", "gesture", "phrase", "name", "object", "voice" };

        private static readonly string[] Operations =
        {
            "export", "import", "erase", "reset", "pause_learning", "resume_learning",
        };

        internal static void Hello(MsgPackWriter to, Hello hello)
        {
            var device = hello.Device;
            var hasDevice = Keys(device.Name, device.Runtime, device.Engine, device.Plugin) > 0;
            var frameOnly = hello.Streams.Count == 1 && hello.Streams[0] == "frame";
            var usual = hello.HorizonsMs.Count == 2 && hello.HorizonsMs[0] == 50.0 && hello.HorizonsMs[1] == 100.0;
            Begin(
                to, "hello",
                3 + Keys(hello.Token) + One(hasDevice) + One(hello.RefreshHz != 90.0) + One(!frameOnly) + One(!usual)
                + One(hello.Resume != null) + One(hello.LastN != -1));
            Text(to, "version", hello.Version);
            to.String("app");
            App(to, hello.App);
            Text(to, "user", hello.User);
            TextUnlessEmpty(to, "token", hello.Token);
            if (hasDevice)
            {
                to.String("device");
                to.MapHeader(Keys(device.Name, device.Runtime, device.Engine, device.Plugin));
                TextUnlessEmpty(to, "name", device.Name);
                TextUnlessEmpty(to, "runtime", device.Runtime);
                TextUnlessEmpty(to, "engine", device.Engine);
                TextUnlessEmpty(to, "plugin", device.Plugin);
            }
            if (hello.RefreshHz != 90.0)
            {
                Number(to, "refresh_hz", hello.RefreshHz);
            }
            if (!frameOnly)
            {
                List(to, "streams", hello.Streams);
            }
            if (!usual)
            {
                to.String("horizons_ms");
                to.ArrayHeader(hello.HorizonsMs.Count);
                foreach (var horizon in hello.HorizonsMs)
                {
                    to.Float(horizon);
                }
            }
            if (hello.Resume != null)
            {
                Text(to, "resume", hello.Resume);
            }
            if (hello.LastN != -1)
            {
                Integer(to, "last_n", hello.LastN);
            }
        }

        internal static void Frame(MsgPackWriter to, long q, long t, TrackingFrame frame)
        {
            float[] packed;
            var count = frame.Pack(out packed);
            Begin(to, "frame", 4);
            Integer(to, "q", q);
            Integer(to, "t", t);
            Integer(to, "m", (int)frame.Mask);
            to.String("d");
            to.Blob(packed, count);
        }

        internal static void Scene(MsgPackWriter to, string id, IList<Target> targets, bool replace, IList<string> remove)
        {
            Begin(to, "scene", 2 + One(!replace) + One(remove.Count > 0));
            Text(to, "id", id);
            to.String("targets");
            to.ArrayHeader(targets.Count);
            for (var i = 0; i < targets.Count; i++)
            {
                Target(to, targets[i]);
            }
            if (!replace)
            {
                Flag(to, "replace", false);
            }
            if (remove.Count > 0)
            {
                List(to, "remove", remove);
            }
        }

        internal static void Utterance(MsgPackWriter to, string id, string text, long time, string language)
        {
            Begin(to, "utterance", 3 + Keys(language));
            Text(to, "id", id);
            Text(to, "text", text);
            Integer(to, "time", time);
            TextUnlessEmpty(to, "language", language);
        }

        internal static void Audio(MsgPackWriter to, long time, byte[] pcm, int offset, int count, bool end)
        {
            Begin(to, "audio", 2 + One(end));
            Integer(to, "time", time);
            to.String("pcm");
            to.Binary(pcm, offset, count);
            if (end)
            {
                Flag(to, "end", true);
            }
        }

        internal static void Image(MsgPackWriter to, long time, ImageFormat format, int width, int height, byte[] data)
        {
            Begin(to, "image", 5);
            Integer(to, "time", time);
            Text(to, "format", Formats[(int)format]);
            Integer(to, "width", width);
            Integer(to, "height", height);
            to.String("data");
            to.Binary(data, 0, data.Length);
        }

        internal static void Teach(MsgPackWriter to, string id, Teach teach)
        {
            var device = GestureDevices[(int)teach.Device];
            Begin(to, "teach", 3 + Keys(teach.Phrase, teach.Target, device) + One(teach.Examples.Count > 0));
            Text(to, "id", id);
            Text(to, "kind", TeachKinds[(int)teach.Kind]);
            Text(to, "name", teach.Name);
            TextUnlessEmpty(to, "phrase", teach.Phrase);
            TextUnlessEmpty(to, "target", teach.Target);
            TextUnlessEmpty(to, "device", device);
            if (teach.Examples.Count > 0)
            {
                Blobs(to, "examples", teach.Examples);
            }
        }

        internal static void Feedback(MsgPackWriter to, string id, Feedback feedback, long time)
        {
            Begin(to, "feedback", 3 + Keys(feedback.Action, feedback.Target, feedback.Of) + One(feedback.ActionNumber != 0));
            Text(to, "id", id);
            Text(to, "verdict", Verdicts[(int)feedback.Verdict]);
            Integer(to, "time", time);
            TextUnlessEmpty(to, "action", feedback.Action);
            TextUnlessEmpty(to, "target", feedback.Target);
            if (feedback.ActionNumber != 0)
            {
                Integer(to, "n", feedback.ActionNumber);
            }
            TextUnlessEmpty(to, "of", feedback.Of);
        }

        internal static void Profile(MsgPackWriter to, string id, ProfileOperation operation, ProfileKind kind, byte[] data)
        {
            var hasData = data != null && data.Length > 0;
            Begin(to, "profile", 2 + One(kind != ProfileKind.All) + One(hasData));
            Text(to, "id", id);
            Text(to, "operation", Operations[(int)operation]);
            if (kind != ProfileKind.All)
            {
                Text(to, "kind", Kinds[(int)kind]);
            }
            if (hasData)
            {
                to.String("data");
                to.Binary(data, 0, data.Length);
            }
        }

        internal static void Bye(MsgPackWriter to, string reason)
        {
            Begin(to, "bye", Keys(reason));
            TextUnlessEmpty(to, "reason", reason);
        }

        private static void App(MsgPackWriter to, AppInfo app)
        {
            to.MapHeader(
                1 + Keys(app.Version) + One(app.Confidence != 0.5) + One(app.Actions.Count > 0) + One(!app.Learn)
                + One(app.Bystanders != Bystanders.Heard) + One(app.Objects.Count > 0));
            Text(to, "name", app.Name);
            TextUnlessEmpty(to, "version", app.Version);
            if (app.Confidence != 0.5)
            {
                Number(to, "confidence", app.Confidence);
            }
            if (app.Actions.Count > 0)
            {
                to.String("actions");
                to.ArrayHeader(app.Actions.Count);
                foreach (var action in app.Actions)
                {
                    Action(to, action);
                }
            }
            if (!app.Learn)
            {
                Flag(to, "learn", false);
            }
            if (app.Bystanders != Bystanders.Heard)
            {
                Text(to, "bystanders", Bystanding[(int)app.Bystanders]);
            }
            if (app.Objects.Count > 0)
            {
                to.String("objects");
                to.ArrayHeader(app.Objects.Count);
                foreach (var thing in app.Objects)
                {
                    to.MapHeader(2);
                    Text(to, "name", thing.Name);
                    Blobs(to, "examples", thing.Examples);
                }
            }
        }

        private static void Action(MsgPackWriter to, ActionInfo action)
        {
            to.MapHeader(
                1 + One(action.Phrases.Count > 0) + One(action.Target != TargetUse.None) + One(action.Arguments.Count > 0)
                + One(action.Gestures.Count > 0) + One(action.Sees.Count > 0));
            Text(to, "name", action.Name);
            if (action.Phrases.Count > 0)
            {
                List(to, "phrases", action.Phrases);
            }
            if (action.Target != TargetUse.None)
            {
                Text(to, "target", TargetUses[(int)action.Target]);
            }
            if (action.Arguments.Count > 0)
            {
                to.String("arguments");
                to.ArrayHeader(action.Arguments.Count);
                foreach (var argument in action.Arguments)
                {
                    Argument(to, argument);
                }
            }
            if (action.Gestures.Count > 0)
            {
                List(to, "gestures", action.Gestures);
            }
            if (action.Sees.Count > 0)
            {
                List(to, "sees", action.Sees);
            }
        }

        private static void Argument(MsgPackWriter to, ArgumentInfo argument)
        {
            var hasDefault = argument.DefaultNumber.HasValue || !string.IsNullOrEmpty(argument.DefaultText);
            to.MapHeader(
                1 + One(argument.Kind != ArgumentKind.Choice) + One(argument.Values.Count > 0)
                + One(argument.Synonyms.Count > 0) + One(argument.Minimum != -1e9) + One(argument.Maximum != 1e9)
                + Keys(argument.Unit) + One(argument.Required) + One(hasDefault));
            Text(to, "name", argument.Name);
            if (argument.Kind != ArgumentKind.Choice)
            {
                Text(to, "kind", ArgumentKinds[(int)argument.Kind]);
            }
            if (argument.Values.Count > 0)
            {
                List(to, "values", argument.Values);
            }
            if (argument.Synonyms.Count > 0)
            {
                to.String("synonyms");
                to.MapHeader(argument.Synonyms.Count);
                foreach (var pair in argument.Synonyms)
                {
                    List(to, pair.Key, pair.Value);
                }
            }
            if (argument.Minimum != -1e9)
            {
                Number(to, "minimum", argument.Minimum);
            }
            if (argument.Maximum != 1e9)
            {
                Number(to, "maximum", argument.Maximum);
            }
            TextUnlessEmpty(to, "unit", argument.Unit);
            if (argument.Required)
            {
                Flag(to, "required", true);
            }
            if (argument.DefaultNumber.HasValue)
            {
                Number(to, "default", argument.DefaultNumber.Value);
            }
            else
            {
                TextUnlessEmpty(to, "default", argument.DefaultText);
            }
        }

        private static void Target(MsgPackWriter to, Target target)
        {
            var sized = target.Width != 0.1f || target.Height != 0.1f || target.Depth != 0.1f;
            to.MapHeader(2 + One(sized) + Keys(target.Name) + One(target.Aliases.Count > 0));
            Text(to, "id", target.Id);
            Triple(to, "position", target.X, target.Y, target.Z);
            if (sized)
            {
                Triple(to, "size", target.Width, target.Height, target.Depth);
            }
            TextUnlessEmpty(to, "name", target.Name);
            if (target.Aliases.Count > 0)
            {
                List(to, "aliases", target.Aliases);
            }
        }

        private static void Begin(MsgPackWriter to, string type, int keys)
        {
            to.Clear();
            to.MapHeader(1 + keys);
            Text(to, "type", type);
        }

        private static void Text(MsgPackWriter to, string key, string value)
        {
            to.String(key);
            to.String(value);
        }

        private static void TextUnlessEmpty(MsgPackWriter to, string key, string value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                Text(to, key, value);
            }
        }

        private static void Integer(MsgPackWriter to, string key, long value)
        {
            to.String(key);
            to.Int(value);
        }

        private static void Number(MsgPackWriter to, string key, double value)
        {
            to.String(key);
            to.Float(value);
        }

        private static void Flag(MsgPackWriter to, string key, bool value)
        {
            to.String(key);
            to.Bool(value);
        }

        private static void List(MsgPackWriter to, string key, IList<string> values)
        {
            to.String(key);
            to.Strings(values);
        }

        private static void Blobs(MsgPackWriter to, string key, IList<byte[]> values)
        {
            to.String(key);
            to.ArrayHeader(values.Count);
            foreach (var value in values)
            {
                to.Binary(value, 0, value.Length);
            }
        }

        private static void Triple(MsgPackWriter to, string key, float x, float y, float z)
        {
            to.String(key);
            to.ArrayHeader(3);
            to.Float(x);
            to.Float(y);
            to.Float(z);
        }

        private static int Keys(params string[] values)
        {
            var count = 0;
            foreach (var value in values)
            {
                count += One(!string.IsNullOrEmpty(value));
            }
            return count;
        }

        private static int One(bool there)
        {
            return there ? 1 : 0;
        }
    }
}
