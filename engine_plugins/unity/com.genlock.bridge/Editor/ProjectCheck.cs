using System;
using System.Collections.Generic;

namespace Genlock.Editor
{
    /// <summary>What the project is set to, as far as it matters here.</summary>
    internal sealed class ProjectFacts
    {
        internal bool IsAndroid;
        internal bool ForcesInternet;

        /// <summary>The text of the project's own Android manifest; empty: Unity makes it.</summary>
        internal string Manifest = "";
        internal string Url = "";
        internal string Token = "";
        internal bool HasMicrophone;
        internal bool HasActions = true;
        internal string MicrophoneUsage = "";
        internal bool NeedsMicrophoneUsage;
        internal IList<string> ActionMistakes = new List<string>();
    }

    /// <summary>Finds the common mistakes of a project, in words that say what to do.</summary>
    internal static class ProjectCheck
    {
        internal static IList<string> Problems(ProjectFacts facts)
        {
            var problems = new List<string>();
            CheckAddress(facts, problems);
            if (facts.IsAndroid)
            {
                CheckAndroid(facts, problems);
            }
            if (facts.NeedsMicrophoneUsage && facts.HasMicrophone && facts.MicrophoneUsage.Length == 0)
            {
                problems.Add(
                    "Player, Other Settings, Microphone Usage Description is empty: the system refuses the microphone without it.");
            }
            if (!facts.HasActions)
            {
                problems.Add(
                    "The GenlockClient has no Actions: the daemon must have a manifest for the app's name, or utterances mean nothing.");
            }
            problems.AddRange(facts.ActionMistakes);
            return problems;
        }

        private static void CheckAddress(ProjectFacts facts, List<string> problems)
        {
            Uri url;
            if (!Uri.TryCreate(facts.Url, UriKind.Absolute, out url) || (url.Scheme != "ws" && url.Scheme != "wss"))
            {
                problems.Add("\"" + facts.Url + "\" is no address; it must be like ws://192.168.1.20:8765.");
                return;
            }
            if (facts.IsAndroid && url.IsLoopback)
            {
                problems.Add(
                    "The address " + facts.Url + " is the headset itself. Give the daemon's computer by its address, or run adb "
                    + "reverse tcp:" + url.Port + " tcp:" + url.Port + " while a cable is plugged in.");
            }
            if (!url.IsLoopback && facts.Token.Length == 0)
            {
                problems.Add("A daemon on another machine wants a token: set Token, or start it with --allow-anonymous.");
            }
        }

        private static void CheckAndroid(ProjectFacts facts, List<string> problems)
        {
            if (!facts.ForcesInternet && !facts.Manifest.Contains("android.permission.INTERNET"))
            {
                problems.Add("Player, Other Settings, Internet Access must be Require: the headset may not open sockets without it.");
            }
            if (facts.Url.StartsWith("ws://") && facts.Manifest.Contains("usesCleartextTraffic=\"false\""))
            {
                problems.Add(
                    "The manifest forbids cleartext traffic and the address is ws://. Use wss://, or allow it for the daemon's address.");
            }
            if (facts.HasMicrophone && facts.Manifest.Length > 0 && !facts.Manifest.Contains("android.permission.RECORD_AUDIO"))
            {
                problems.Add(
                    "Assets/Plugins/Android/AndroidManifest.xml lacks <uses-permission android:name=\"android.permission.RECORD_AUDIO\"/>: "
                    + "the GenlockMicrophone would hear nothing.");
            }
        }
    }
}
