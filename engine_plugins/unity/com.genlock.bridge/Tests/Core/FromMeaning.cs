using System;
using System.Collections.Generic;
using System.Linq;

namespace Genlock.Tests
{
    /// <summary>Lays a client's message from what a vector says it means, through the encoder.</summary>
    internal static class FromMeaning
    {
        internal static byte[] Lay(IDictionary<string, object> meaning)
        {
            var writer = new MsgPackWriter();
            var id = meaning.ContainsKey("id") ? (string)meaning["id"] : "";
            switch ((string)meaning["type"])
            {
                case "hello":
                    ClientEncoder.Hello(writer, Hello(meaning));
                    break;
                case "frame":
                    ClientEncoder.Frame(writer, (long)meaning["q"], (long)meaning["t"], Frame(meaning));
                    break;
                case "scene":
                    ClientEncoder.Scene(
                        writer, id, Maps(meaning["targets"]).Select(Target).ToList(), (bool)meaning["replace"],
                        Strings(meaning["remove"]));
                    break;
                case "utterance":
                    ClientEncoder.Utterance(
                        writer, id, (string)meaning["text"], (long)meaning["time"], (string)meaning["language"]);
                    break;
                case "audio":
                    var pcm = Vectors.Hex(meaning["pcm"]);
                    ClientEncoder.Audio(writer, (long)meaning["time"], pcm, 0, pcm.Length, (bool)meaning["end"]);
                    break;
                case "image":
                    ClientEncoder.Image(
                        writer, (long)meaning["time"], Enumerated<ImageFormat>(meaning["format"]), (int)(long)meaning["width"],
                        (int)(long)meaning["height"], Vectors.Hex(meaning["data"]));
                    break;
                case "teach":
                    ClientEncoder.Teach(writer, id, Teach(meaning));
                    break;
                case "feedback":
                    ClientEncoder.Feedback(writer, id, Feedback(meaning), (long)meaning["time"]);
                    break;
                case "profile":
                    ClientEncoder.Profile(
                        writer, id, Enumerated<ProfileOperation>(meaning["operation"]),
                        Enumerated<ProfileKind>(meaning["kind"]), Vectors.Hex(meaning["data"]));
                    break;
                case "bye":
                    ClientEncoder.Bye(writer, (string)meaning["reason"]);
                    break;
                default:
                    throw new NotSupportedException((string)meaning["type"]);
            }
            return writer.ToArray();
        }

        private static Hello Hello(IDictionary<string, object> meaning)
        {
            var device = (IDictionary<string, object>)meaning["device"];
            return new Hello
            {
                Version = (string)meaning["version"],
                App = App((IDictionary<string, object>)meaning["app"]),
                User = (string)meaning["user"],
                Token = (string)meaning["token"],
                Device = new DeviceInfo
                {
                    Name = (string)device["name"],
                    Runtime = (string)device["runtime"],
                    Engine = (string)device["engine"],
                    Plugin = (string)device["plugin"],
                },
                RefreshHz = Convert.ToDouble(meaning["refresh_hz"]),
                Streams = Strings(meaning["streams"]),
                HorizonsMs = ((IEnumerable<object>)meaning["horizons_ms"]).Select(Convert.ToDouble).ToList(),
                Resume = (string)meaning["resume"],
                LastN = (long)meaning["last_n"],
            };
        }

        private static AppInfo App(IDictionary<string, object> meaning)
        {
            return new AppInfo
            {
                Name = (string)meaning["name"],
                Version = (string)meaning["version"],
                Confidence = Convert.ToDouble(meaning["confidence"]),
                Actions = Maps(meaning["actions"]).Select(Action).ToList(),
                Learn = (bool)meaning["learn"],
                Bystanders = Enumerated<Bystanders>(meaning["bystanders"]),
                Objects = Maps(meaning["objects"]).Select(Thing).ToList(),
            };
        }

        private static ActionInfo Action(IDictionary<string, object> meaning)
        {
            return new ActionInfo
            {
                Name = (string)meaning["name"],
                Phrases = Strings(meaning["phrases"]),
                Target = Enumerated<TargetUse>(meaning["target"]),
                Arguments = Maps(meaning["arguments"]).Select(Argument).ToList(),
                Gestures = Strings(meaning["gestures"]),
                Sees = Strings(meaning["sees"]),
            };
        }

        private static ObjectInfo Thing(IDictionary<string, object> meaning)
        {
            return new ObjectInfo
            {
                Name = (string)meaning["name"],
                Examples = ((IEnumerable<object>)meaning["examples"]).Select(Vectors.Hex).ToList(),
            };
        }

        private static ArgumentInfo Argument(IDictionary<string, object> meaning)
        {
            var otherwise = meaning["default"];
            return new ArgumentInfo
            {
                Name = (string)meaning["name"],
                Kind = Enumerated<ArgumentKind>(meaning["kind"]),
                Values = Strings(meaning["values"]),
                Synonyms = ((IDictionary<string, object>)meaning["synonyms"])
                    .ToDictionary(pair => pair.Key, pair => Strings(pair.Value)),
                Minimum = Convert.ToDouble(meaning["minimum"]),
                Maximum = Convert.ToDouble(meaning["maximum"]),
                Unit = (string)meaning["unit"],
                Required = (bool)meaning["required"],
                DefaultText = otherwise as string ?? "",
                DefaultNumber = otherwise is string ? (double?)null : Convert.ToDouble(otherwise),
            };
        }

        private static TrackingFrame Frame(IDictionary<string, object> meaning)
        {
            var bytes = Vectors.Hex(meaning["d"]);
            var floats = new float[bytes.Length / 4];
            Buffer.BlockCopy(bytes, 0, floats, 0, bytes.Length);
            var frame = new TrackingFrame();
            var at = 0;
            for (var bit = 0; bit < 10; bit++)
            {
                var part = (Parts)(1 << bit);
                if (((long)meaning["m"] & (1L << bit)) == 0)
                {
                    continue;
                }
                if (bit < 6)
                {
                    frame.SetPose(part, Pose(floats, at));
                    at += 7;
                }
                else if (bit < 8)
                {
                    frame.SetButtons(
                        part,
                        new Buttons
                        {
                            Trigger = floats[at],
                            Squeeze = floats[at + 1],
                            ThumbstickX = floats[at + 2],
                            ThumbstickY = floats[at + 3],
                            ThumbstickClick = floats[at + 4] == 1f,
                            Primary = floats[at + 5] == 1f,
                            Secondary = floats[at + 6] == 1f,
                            Menu = floats[at + 7] == 1f,
                        });
                    at += 8;
                }
                else
                {
                    var joints = new WirePose[26];
                    for (var i = 0; i < joints.Length; i++)
                    {
                        joints[i] = Pose(floats, at);
                        at += 7;
                    }
                    frame.SetHand(part, joints);
                }
            }
            return frame;
        }

        private static WirePose Pose(float[] floats, int at)
        {
            return new WirePose(
                floats[at], floats[at + 1], floats[at + 2], floats[at + 3], floats[at + 4], floats[at + 5], floats[at + 6]);
        }

        private static Target Target(IDictionary<string, object> meaning)
        {
            var position = ((IEnumerable<object>)meaning["position"]).Select(Convert.ToSingle).ToList();
            var size = ((IEnumerable<object>)meaning["size"]).Select(Convert.ToSingle).ToList();
            return new Target
            {
                Id = (string)meaning["id"],
                X = position[0],
                Y = position[1],
                Z = position[2],
                Width = size[0],
                Height = size[1],
                Depth = size[2],
                Name = (string)meaning["name"],
                Aliases = Strings(meaning["aliases"]),
            };
        }

        private static Teach Teach(IDictionary<string, object> meaning)
        {
            return new Teach
            {
                Kind = Enumerated<TeachKind>(meaning["kind"]),
                Name = (string)meaning["name"],
                Phrase = (string)meaning["phrase"],
                Target = (string)meaning["target"],
                Device = (string)meaning["device"] == "" ? GestureDevice.None : Enumerated<GestureDevice>(meaning["device"]),
                Examples = ((IEnumerable<object>)meaning["examples"]).Select(Vectors.Hex).ToList(),
            };
        }

        private static Feedback Feedback(IDictionary<string, object> meaning)
        {
            return new Feedback
            {
                Verdict = Enumerated<Verdict>(meaning["verdict"]),
                Action = (string)meaning["action"],
                Target = (string)meaning["target"],
                ActionNumber = (long)meaning["n"],
                Of = (string)meaning["of"],
            };
        }

        private static T Enumerated<T>(object word)
        {
            return (T)Enum.Parse(typeof(T), ((string)word).Replace("_", ""), true);
        }

        private static IEnumerable<IDictionary<string, object>> Maps(object list)
        {
            return ((IEnumerable<object>)list).Cast<IDictionary<string, object>>();
        }

        private static IList<string> Strings(object list)
        {
            return ((IEnumerable<object>)list).Cast<string>().ToList();
        }
    }
}
