using System.Collections.Generic;

namespace Genlock
{
    /// <summary>What a message of the daemon is.</summary>
    internal enum DaemonMessage
    {
        Unknown,
        Welcome,
        Actions,
        Ack,
        Error,
        Notice,
        Transcript,
    }

    /// <summary>
    /// Reads the daemon's messages. Keys and types that it does not know are ignored; defaults are put in. An answer without
    /// actions makes no garbage.
    /// </summary>
    internal sealed class DaemonDecoder
    {
        private static readonly string[] Types = { "actions", "ack", "notice", "error", "welcome", "transcript" };
        private static readonly string[] Sources = { "utterance", "gesture", "speech", "image" };

        private static readonly DaemonMessage[] Messages =
        {
            DaemonMessage.Actions, DaemonMessage.Ack, DaemonMessage.Notice, DaemonMessage.Error, DaemonMessage.Welcome,
            DaemonMessage.Transcript,
        };

        private readonly MsgPackReader _reader = new MsgPackReader();
        private int _keyAt;
        private int _keyLength;

        internal Answer Answer { get; } = new Answer();

        internal Welcome Welcome { get; private set; }

        internal Ack Ack { get; private set; }

        internal DaemonError Error { get; private set; }

        internal Notice Notice { get; private set; }

        internal Transcript Transcript { get; private set; }

        /// <summary>Reads one message; it lies in the property of its kind then.</summary>
        /// <exception cref="MsgPackException">It is no whole message, has no type, or a key of it is of a wrong type.</exception>
        internal DaemonMessage Read(byte[] bytes, int offset, int count)
        {
            _reader.Begin(bytes, offset, count);
            var keys = _reader.MapHeader();
            var body = _reader.Position;
            var type = FindType(keys);
            _reader.Rewind(body);
            for (var left = keys; left > 0; left--)
            {
                NextKey();
                if (!ReadKey(type))
                {
                    _reader.Skip();
                }
            }
            if (!_reader.AtEnd)
            {
                throw new MsgPackException("bytes after the end of the message");
            }
            return type;
        }

        private DaemonMessage FindType(int keys)
        {
            for (var left = keys; left > 0; left--)
            {
                NextKey();
                if (Key("type"))
                {
                    int at, length;
                    _reader.StringSpan(out at, out length);
                    for (var i = 0; i < Types.Length; i++)
                    {
                        if (_reader.Matches(at, length, Types[i]))
                        {
                            Begin(Messages[i]);
                            return Messages[i];
                        }
                    }
                    return DaemonMessage.Unknown;
                }
                _reader.Skip();
            }
            throw new MsgPackException("a message without a type");
        }

        private void Begin(DaemonMessage type)
        {
            switch (type)
            {
                case DaemonMessage.Actions:
                    Answer.Q = -1;
                    Answer.T = 0;
                    Answer.Devices = Devices.None;
                    Answer.PoseFloats = 0;
                    Answer.HorizonCount = 0;
                    Answer.TargetIndex = -1;
                    Answer.TargetId = "";
                    Answer.ProbabilityCount = 0;
                    Answer.Scene = 0;
                    Answer.Actions.Clear();
                    break;
                case DaemonMessage.Welcome:
                    Welcome = new Welcome();
                    break;
                case DaemonMessage.Ack:
                    Ack = new Ack();
                    break;
                case DaemonMessage.Error:
                    Error = new DaemonError();
                    break;
                case DaemonMessage.Notice:
                    Notice = new Notice();
                    break;
                case DaemonMessage.Transcript:
                    Transcript = new Transcript();
                    break;
            }
        }

        private bool ReadKey(DaemonMessage type)
        {
            switch (type)
            {
                case DaemonMessage.Actions:
                    return ReadAnswer();
                case DaemonMessage.Welcome:
                    return ReadWelcome();
                case DaemonMessage.Ack:
                    return ReadAck();
                case DaemonMessage.Error:
                    return ReadError();
                case DaemonMessage.Notice:
                    return ReadNotice();
                case DaemonMessage.Transcript:
                    return ReadTranscript();
                default:
                    return false;
            }
        }

        private bool ReadAnswer()
        {
            if (Key("q"))
            {
                Answer.Q = _reader.Int();
            }
            else if (Key("t"))
            {
                Answer.T = _reader.Int();
            }
            else if (Key("m"))
            {
                Answer.Devices = (Devices)(_reader.Int() & 7);
                CountHorizons();
            }
            else if (Key("f"))
            {
                Answer.PoseFloats = _reader.Blob(ref Answer.Poses);
                CountHorizons();
            }
            else if (Key("k"))
            {
                Answer.TargetIndex = (int)_reader.Int();
            }
            else if (Key("p"))
            {
                Answer.ProbabilityCount = _reader.Blob(ref Answer.Shares);
            }
            else if (Key("s"))
            {
                Answer.Scene = _reader.Int();
            }
            else if (Key("a"))
            {
                for (var left = _reader.ArrayHeader(); left > 0; left--)
                {
                    Answer.Actions.Add(ReadAction());
                }
            }
            else
            {
                return false;
            }
            return true;
        }

        private void CountHorizons()
        {
            var devices = 0;
            for (var bit = 1; bit < 8; bit <<= 1)
            {
                devices += ((int)Answer.Devices & bit) != 0 ? 1 : 0;
            }
            Answer.HorizonCount = devices == 0 ? 0 : Answer.PoseFloats / (TrackingFrame.PoseFloats * devices);
        }

        private GenlockAction ReadAction()
        {
            var action = new GenlockAction();
            for (var left = _reader.MapHeader(); left > 0; left--)
            {
                NextKey();
                if (Key("n"))
                {
                    action.Number = _reader.Int();
                }
                else if (Key("name"))
                {
                    action.Name = _reader.String();
                }
                else if (Key("phase"))
                {
                    action.Phase = ReadPhase();
                }
                else if (Key("confidence"))
                {
                    action.Confidence = _reader.Float();
                }
                else if (Key("source"))
                {
                    action.Source = _reader.OneOf(Sources);
                }
                else if (Key("id"))
                {
                    action.Of = _reader.String();
                }
                else if (Key("target"))
                {
                    action.Target = _reader.String();
                }
                else if (Key("arguments"))
                {
                    action.Arguments = ReadArguments();
                }
                else
                {
                    _reader.Skip();
                }
            }
            return action;
        }

        private ActionPhase ReadPhase()
        {
            switch (_reader.String())
            {
                case "started":
                    return ActionPhase.Started;
                case "performed":
                    return ActionPhase.Performed;
                case "canceled":
                    return ActionPhase.Canceled;
                default:
                    throw new MsgPackException("an action in a phase that there is not");
            }
        }

        private Dictionary<string, object> ReadArguments()
        {
            var arguments = new Dictionary<string, object>();
            for (var left = _reader.MapHeader(); left > 0; left--)
            {
                var name = _reader.String();
                switch (_reader.Peek())
                {
                    case MsgPackType.String:
                        arguments[name] = _reader.String();
                        break;
                    case MsgPackType.Int:
                        arguments[name] = _reader.Int();
                        break;
                    case MsgPackType.Float:
                        arguments[name] = _reader.Float();
                        break;
                    case MsgPackType.Bool:
                        arguments[name] = _reader.Bool();
                        break;
                    default:
                        _reader.Skip();
                        break;
                }
            }
            return arguments;
        }

        private bool ReadWelcome()
        {
            if (Key("version"))
            {
                Welcome.Version = _reader.String();
            }
            else if (Key("session"))
            {
                Welcome.Session = _reader.String();
            }
            else if (Key("resume"))
            {
                Welcome.Resume = _reader.String();
            }
            else if (Key("resume_s"))
            {
                Welcome.ResumeSeconds = _reader.Float();
            }
            else if (Key("resumed"))
            {
                Welcome.Resumed = _reader.Bool();
            }
            else if (Key("last_q"))
            {
                Welcome.LastQ = _reader.Int();
            }
            else if (Key("models"))
            {
                for (var left = _reader.ArrayHeader(); left > 0; left--)
                {
                    Welcome.Models.Add(ReadModel());
                }
            }
            else if (Key("serves"))
            {
                for (var left = _reader.ArrayHeader(); left > 0; left--)
                {
                    Welcome.Serves.Add(_reader.String());
                }
            }
            else if (Key("limits"))
            {
                ReadLimits();
            }
            else if (Key("server_time"))
            {
                Welcome.ServerTime = _reader.Int();
            }
            else if (Key("recording"))
            {
                Welcome.Recording = _reader.Bool();
            }
            else if (Key("learning"))
            {
                Welcome.Learning = _reader.Bool();
            }
            else if (Key("sessions"))
            {
                Welcome.Sessions = _reader.Int();
            }
            else if (Key("restored"))
            {
                Welcome.Restored = _reader.Bool();
            }
            else
            {
                return false;
            }
            return true;
        }

        private ModelInfo ReadModel()
        {
            var model = new ModelInfo();
            for (var left = _reader.MapHeader(); left > 0; left--)
            {
                NextKey();
                if (Key("name"))
                {
                    model.Name = _reader.String();
                }
                else if (Key("version"))
                {
                    model.Version = _reader.String();
                }
                else
                {
                    _reader.Skip();
                }
            }
            return model;
        }

        private void ReadLimits()
        {
            for (var left = _reader.MapHeader(); left > 0; left--)
            {
                NextKey();
                if (Key("message_bytes"))
                {
                    Welcome.MessageBytes = _reader.Int();
                }
                else if (Key("large_message_bytes"))
                {
                    Welcome.LargeMessageBytes = _reader.Int();
                }
                else if (Key("targets"))
                {
                    Welcome.Targets = _reader.Int();
                }
                else if (Key("horizons"))
                {
                    Welcome.Horizons = _reader.Int();
                }
                else if (Key("horizon_ms"))
                {
                    Welcome.HorizonMs = _reader.Int();
                }
                else if (Key("messages_per_second"))
                {
                    Welcome.MessagesPerSecond = _reader.Int();
                }
                else
                {
                    _reader.Skip();
                }
            }
        }

        private bool ReadAck()
        {
            if (Key("id"))
            {
                Ack.Id = _reader.String();
            }
            else if (Key("scene"))
            {
                Ack.Scene = _reader.Int();
            }
            else if (Key("data"))
            {
                Ack.Data = _reader.Binary();
            }
            else
            {
                return false;
            }
            return true;
        }

        private bool ReadError()
        {
            if (Key("code"))
            {
                Error.Code = _reader.String();
            }
            else if (Key("message"))
            {
                Error.Message = _reader.String();
            }
            else if (Key("of"))
            {
                Error.Of = _reader.String();
            }
            else if (Key("key"))
            {
                Error.Key = _reader.String();
            }
            else if (Key("id"))
            {
                Error.Id = _reader.String();
            }
            else if (Key("q"))
            {
                Error.Q = _reader.Int();
            }
            else
            {
                return false;
            }
            return true;
        }

        private bool ReadNotice()
        {
            if (Key("code"))
            {
                Notice.Code = _reader.String();
            }
            else if (Key("message"))
            {
                Notice.Message = _reader.String();
            }
            else if (Key("retry_ms"))
            {
                Notice.RetryMs = _reader.Int();
            }
            else if (Key("id"))
            {
                Notice.Id = _reader.String();
            }
            else
            {
                return false;
            }
            return true;
        }

        private bool ReadTranscript()
        {
            if (Key("text"))
            {
                Transcript.Text = _reader.String();
            }
            else if (Key("final"))
            {
                Transcript.Final = _reader.Bool();
            }
            else if (Key("time"))
            {
                Transcript.Time = _reader.Int();
            }
            else if (Key("id"))
            {
                Transcript.Id = _reader.String();
            }
            else if (Key("words"))
            {
                Transcript.Words = ReadWords();
            }
            else if (Key("speaker") && _reader.Peek() != MsgPackType.Nil)
            {
                Transcript.Speaker = _reader.Float();
            }
            else
            {
                return false;
            }
            return true;
        }

        private List<SpokenWord> ReadWords()
        {
            var words = new List<SpokenWord>();
            for (var left = _reader.ArrayHeader(); left > 0; left--)
            {
                var word = new SpokenWord();
                for (var keys = _reader.MapHeader(); keys > 0; keys--)
                {
                    NextKey();
                    if (Key("text"))
                    {
                        word.Text = _reader.String();
                    }
                    else if (Key("begin"))
                    {
                        word.Begin = _reader.Int();
                    }
                    else if (Key("end"))
                    {
                        word.End = _reader.Int();
                    }
                    else
                    {
                        _reader.Skip();
                    }
                }
                words.Add(word);
            }
            return words;
        }

        private void NextKey()
        {
            _reader.StringSpan(out _keyAt, out _keyLength);
        }

        private bool Key(string word)
        {
            return _reader.Matches(_keyAt, _keyLength, word);
        }
    }
}
