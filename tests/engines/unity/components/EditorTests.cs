using System.Collections.Generic;
using System.Linq;
using Genlock.Editor;
using NUnit.Framework;
using UnityEditor;
using UnityEngine;

namespace Genlock.Tests
{
    /// <summary>What the editor finds wrong with a project, and that its windows draw.</summary>
    public sealed class EditorTests
    {
        [TearDown]
        public void Clear()
        {
            Engine.Clear();
            EditorApplication.isPlaying = false;
        }

        [Test]
        public void AGoodProjectHasNoProblems()
        {
            Assert.IsEmpty(ProjectCheck.Problems(Good()));
        }

        [Test]
        public void EachMistakeIsToldAlone()
        {
            Single("it must be like", facts => facts.Url = "daemon");
            Single("is the headset itself", facts => facts.Url = "ws://127.0.0.1:8765");
            Single("token", facts => facts.Token = "");
            Single("Internet Access", facts => facts.ForcesInternet = false);
            Single("cleartext", facts => facts.Manifest = facts.Manifest + " android:usesCleartextTraffic=\"false\"");
            Single("RECORD_AUDIO", facts => facts.Manifest = "<manifest/>");
            Single("no Actions", facts => facts.HasActions = false);
            Single("twice", facts => facts.ActionMistakes = new[] { "it is there twice" });
            Single(
                "Microphone Usage",
                facts =>
                {
                    facts.IsAndroid = false;
                    facts.NeedsMicrophoneUsage = true;
                });
        }

        [Test]
        public void WssMayBeUsedWhereCleartextIsForbidden()
        {
            var facts = Good();
            facts.Url = "wss://lab.example:8765";
            facts.Manifest += " android:usesCleartextTraffic=\"false\"";
            Assert.IsEmpty(ProjectCheck.Problems(facts));
        }

        [Test]
        public void InspectorsSayWhatIsWrong()
        {
            var client = new GameObject("Genlock").AddComponent<GenlockClient>();
            client.Disconnect();
            var editor = (GenlockClientEditor)System.Activator.CreateInstance(typeof(GenlockClientEditor), true);
            editor.target = client;
            editor.OnInspectorGUI();
            Assert.IsTrue(Engine.Log.Any(line => line.StartsWith("box: ") && line.Contains("no Actions")));
            EditorApplication.isPlaying = true;
            editor.OnInspectorGUI();
            Assert.IsTrue(editor.RequiresConstantRepaint());
            Assert.IsTrue(Engine.Log.Contains("label: State: Idle"));
            var actions = ScriptableObject.CreateInstance<GenlockActions>();
            actions.AppName = "a";
            actions.Entries.Add(new GenlockActions.Entry { name = "x" });
            var other = (GenlockActionsEditor)System.Activator.CreateInstance(typeof(GenlockActionsEditor), true);
            other.target = actions;
            other.OnInspectorGUI();
            Assert.IsTrue(Engine.Log.Any(line => line.Contains("\"x\" needs at least one phrase")));
        }

        [Test]
        public void TheMenuPutsAClientOnTheOriginAndTargetsOnWhatIsSelected()
        {
            var origin = new GameObject("XR Origin");
            var eye = new GameObject("Main Camera") { tag = "MainCamera" };
            eye.transform.SetParent(origin.transform, false);
            eye.AddComponent<Camera>();
            GenlockMenu.AddClient();
            var client = origin.GetComponent<GenlockClient>();
            Assert.IsNotNull(client);
            client.Disconnect();
            var cube = GameObject.CreatePrimitive(PrimitiveType.Cube);
            Selection.gameObjects = new[] { cube };
            GenlockMenu.AddTarget();
            GenlockMenu.AddTarget();
            Assert.AreEqual(1, cube.transform.GetComponentsInChildren<GenlockTarget>().Length);
            Assert.AreEqual("Project/Genlock", GenlockSettings.Path);
            GenlockSettings.Provide().guiHandler("");
        }

        private static ProjectFacts Good()
        {
            return new ProjectFacts
            {
                IsAndroid = true,
                ForcesInternet = true,
                Manifest = "<manifest><uses-permission android:name=\"android.permission.RECORD_AUDIO\"/></manifest>",
                Url = "ws://192.168.1.20:8765",
                Token = "secret",
                HasMicrophone = true,
            };
        }

        private static void Single(string words, System.Action<ProjectFacts> spoil)
        {
            var facts = Good();
            spoil(facts);
            StringAssert.Contains(words, ProjectCheck.Problems(facts).Single());
        }
    }
}
