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
            Call(other, "OnEnable");
            other.OnInspectorGUI();
            Assert.IsTrue(Engine.Log.Any(line => line.Contains("\"x\" needs at least one phrase")));
            actions.Entries[0].phrases.Add("do x");
            Engine.Edited = true;
            other.OnInspectorGUI();
            Engine.Log.Clear();
            other.OnInspectorGUI();
            Assert.IsEmpty(Engine.Log);
            Call(other, "OnDisable");
            Assert.IsNull(Undo.undoRedoPerformed);
        }

        [Test]
        public void WhatIsWrongIsLookedForOnceASecondAndAfterAnEdit()
        {
            var client = new GameObject("Genlock").AddComponent<GenlockClient>();
            client.Disconnect();
            var editor = (GenlockClientEditor)System.Activator.CreateInstance(typeof(GenlockClientEditor), true);
            editor.target = client;
            Assert.AreEqual(1, Boxes(editor, "no Actions"));
            client.Actions = ScriptableObject.CreateInstance<GenlockActions>();
            Assert.AreEqual(1, Boxes(editor, "no Actions"), "it was read just now");
            Engine.Now += 1.5;
            Assert.AreEqual(0, Boxes(editor, "no Actions"));
            client.Actions = null;
            Engine.Edited = true;
            editor.OnInspectorGUI();
            Assert.AreEqual(1, Boxes(editor, "no Actions"));
        }

        [Test]
        public void EachInspectorTakesSeveralObjects()
        {
            foreach (var type in typeof(GenlockTargetEditor).Assembly.GetTypes().Where(one => one.IsDefined(typeof(CustomEditor), false)))
            {
                Assert.IsTrue(type.IsDefined(typeof(CanEditMultipleObjects), false), type.Name);
            }
            var targets = new[] { "Kettle", "Mug" }.Select(name => new GameObject(name).AddComponent<GenlockTarget>()).ToArray();
            for (var i = 0; i < 17; i++)
            {
                targets[1].Aliases.Add("cup " + i);
            }
            var editor = (GenlockTargetEditor)System.Activator.CreateInstance(typeof(GenlockTargetEditor), true);
            editor.target = targets[0];
            editor.OnInspectorGUI();
            Assert.IsTrue(Engine.Log.Contains("label: Id on the wire: Kettle"));
            Engine.Log.Clear();
            editor.targets = targets;
            editor.OnInspectorGUI();
            StringAssert.Contains("Mug: up to 16", Engine.Log.Single());
        }

        [Test]
        public void ASessionThatEndedCanBeConnectedAgain()
        {
            var client = new GameObject("Genlock").AddComponent<GenlockClient>();
            LiveState.Draw(client);
            Assert.IsTrue(Engine.Log.Contains("button: Disconnect"));
            var ended = client.Session;
            ended.CloseAsync();
            Engine.Log.Clear();
            Engine.Pressed = "Connect";
            LiveState.Draw(client);
            Assert.IsFalse(Engine.Log.Contains("button: Disconnect"));
            Assert.AreNotSame(ended, client.Session);
            client.Disconnect();
            client.Url = "nowhere";
            LiveState.Draw(client);
            StringAssert.Contains("is no address", Engine.Log.Single(line => line.StartsWith("error")));
        }

        [Test]
        public void TheMenusNewObjectCanBeUndone()
        {
            GenlockMenu.AddClient();
            StringAssert.Contains("Genlock client", Engine.Log.Single(line => line.StartsWith("undo")));
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

        private static int Boxes(UnityEditor.Editor editor, string words)
        {
            Engine.Log.Clear();
            editor.OnInspectorGUI();
            return Engine.Log.Count(line => line.StartsWith("box: ") && line.Contains(words));
        }

        /// <summary>As Unity calls it.</summary>
        private static void Call(UnityEditor.Editor editor, string message)
        {
            editor.GetType().GetMethod(message, System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)
                .Invoke(editor, null);
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
