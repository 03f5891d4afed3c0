using System;
using System.Collections.Generic;
using System.Linq;

namespace Genlock.Tests
{
    /// <summary>What was decoded, with the wire's keys: every key of the protocol, so that none can be forgotten.</summary>
    internal static class ToMeaning
    {
        internal static Dictionary<string, object> Of(DaemonDecoder decoder, DaemonMessage type)
        {
            switch (type)
            {
                case DaemonMessage.Welcome:
                    return Welcome(decoder.Welcome);
                case DaemonMessage.Actions:
                    return Answer(decoder.Answer);
                case DaemonMessage.Ack:
                    return new Dictionary<string, object>
                    {
                        { "id", decoder.Ack.Id }, { "scene", decoder.Ack.Scene }, { "data", decoder.Ack.Data ?? new byte[0] },
                    };
                case DaemonMessage.Error:
                    var error = decoder.Error;
                    return new Dictionary<string, object>
                    {
                        { "code", error.Code }, { "message", error.Message }, { "of", error.Of }, { "key", error.Key },
                        { "id", error.Id }, { "q", error.Q },
                    };
                case DaemonMessage.Notice:
                    var notice = decoder.Notice;
                    return new Dictionary<string, object>
                    {
                        { "code", notice.Code }, { "message", notice.Message }, { "retry_ms", notice.RetryMs }, { "id", notice.Id },
                    };
                case DaemonMessage.Transcript:
                    var heard = decoder.Transcript;
                    return new Dictionary<string, object>
                    {
                        { "text", heard.Text }, { "final", heard.Final }, { "time", heard.Time }, { "id", heard.Id },
                        { "words", heard.Words.Select(word => (object)Word(word)).ToList() }, { "speaker", heard.Speaker },
                    };
                default:
                    throw new NotSupportedException(type.ToString());
            }
        }

        private static Dictionary<string, object> Word(SpokenWord word)
        {
            return new Dictionary<string, object> { { "text", word.Text }, { "begin", word.Begin }, { "end", word.End } };
        }

        private static Dictionary<string, object> Welcome(Welcome welcome)
        {
            return new Dictionary<string, object>
            {
                { "version", welcome.Version },
                { "session", welcome.Session },
                { "resume", welcome.Resume },
                { "resume_s", welcome.ResumeSeconds },
                { "resumed", welcome.Resumed },
                { "last_q", welcome.LastQ },
                {
                    "models",
                    welcome.Models.Select(
                        model => (object)new Dictionary<string, object> { { "name", model.Name }, { "version", model.Version } })
                        .ToList()
                },
                { "serves", welcome.Serves.Cast<object>().ToList() },
                {
                    "limits",
                    new Dictionary<string, object>
                    {
                        { "message_bytes", welcome.MessageBytes },
                        { "large_message_bytes", welcome.LargeMessageBytes },
                        { "targets", welcome.Targets },
                        { "horizons", welcome.Horizons },
                        { "horizon_ms", welcome.HorizonMs },
                        { "messages_per_second", welcome.MessagesPerSecond },
                    }
                },
                { "server_time", welcome.ServerTime },
                { "recording", welcome.Recording },
                { "learning", welcome.Learning },
                { "sessions", welcome.Sessions },
                { "restored", welcome.Restored },
            };
        }

        private static Dictionary<string, object> Answer(Answer answer)
        {
            return new Dictionary<string, object>
            {
                { "q", answer.Q },
                { "t", answer.T },
                { "m", (long)answer.Devices },
                { "f", Blob(answer.Poses, answer.PoseFloats) },
                { "k", (long)answer.TargetIndex },
                { "p", Blob(answer.Shares, answer.ProbabilityCount) },
                { "s", answer.Scene },
                { "a", answer.Actions.Select(action => (object)Action(action)).ToList() },
            };
        }

        private static Dictionary<string, object> Action(GenlockAction action)
        {
            return new Dictionary<string, object>
            {
                { "n", action.Number },
                { "name", action.Name },
                { "phase", action.Phase.ToString().ToLowerInvariant() },
                { "confidence", action.Confidence },
                { "source", action.Source },
                { "id", action.Of },
                { "target", action.Target },
                { "arguments", action.Arguments.ToDictionary(pair => pair.Key, pair => pair.Value) },
            };
        }

        private static byte[] Blob(float[] floats, int count)
        {
            var bytes = new byte[4 * count];
            Buffer.BlockCopy(floats, 0, bytes, 0, bytes.Length);
            return bytes;
        }
    }
}
